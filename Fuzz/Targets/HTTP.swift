// The HTTP front's parsers: heads and bodies, requests and responses. Every cut gives the same outcome.
// with: Sources/sslocal/Front
import SSCommon

private enum Outcome: Equatable {
    case fault(String)
    case waiting
    case done(body: [UInt8], consumed: Int)
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let choice = input.byte()
    let pieces = Int(input.byte()) + 1
    let bytes = input.rest()
    switch choice % 3 {
    case 0:
        check(head(bytes, .request, bytes.count + 1) == head(bytes, .request, pieces), "a cut changes a request's head")
    case 1:
        check(
            head(bytes, .response, bytes.count + 1) == head(bytes, .response, pieces), "a cut changes a response's head"
        )
    default:
        let tolerant = choice & 64 != 0
        check(body(bytes, tolerant, bytes.count + 1) == body(bytes, tolerant, pieces), "a cut changes a body")
    }
    return 0
}

private func head(_ bytes: [UInt8], _ kind: HTTPHeadParser.Kind, _ pieces: Int) -> Outcome {
    var parser = HTTPHeadParser(kind)
    var end = 0
    while end < bytes.count {
        end = min(end + pieces, bytes.count)
        do throws(HTTPFault) {
            if let (head, consumed) = try parser.parse(Array(bytes[..<end]).span.bytes) {
                check(consumed <= end, "consumed more than there was")
                _ = try? HTTPFraming(request: head, minorVersion: 1)
                return .done(body: [], consumed: consumed)
            }
        } catch {
            return .fault("\(error)")
        }
    }
    return .waiting
}

private func body(_ bytes: [UInt8], _ tolerant: Bool, _ pieces: Int) -> Outcome {
    var reader = HTTPBodyReader(.chunked, tolerant: tolerant)
    var body: [UInt8] = []
    var held: [UInt8] = []
    var index = 0
    var total = 0
    while index < bytes.count {
        let end = min(index + pieces, bytes.count)
        held += bytes[index..<end]
        index = end
        while true {
            do throws(HTTPFault) {
                switch try reader.next(held.span.bytes) {
                case .needMore: break
                case .framing(let count):
                    held.removeFirst(count)
                    total += count
                    continue
                case .data(let count):
                    body += held[..<count]
                    held.removeFirst(count)
                    total += count
                    continue
                case .end(_, let consumed):
                    return .done(body: body, consumed: total + consumed)
                }
            } catch {
                return .fault("\(error)")
            }
            break
        }
    }
    return .waiting
}
