// Bodies, whole and in pieces: the same bytes out, the same number consumed, the same end. And bodies that we chunk
// ourselves must come out as they went in.
// words: http
import SSCommon

@testable import Front

private struct Outcome: Equatable {
    var body: [UInt8] = []
    var consumed = 0
    var trailers: [UInt8]?
    var hasEnded = false
    var fault: HTTPFault?
}

private func read(_ wire: [UInt8], _ framing: HTTPFraming, tolerant: Bool, pieces: Int) -> Outcome {
    var reader = HTTPBodyReader(framing, tolerant: tolerant)
    var outcome = Outcome()
    var received = 0
    var steps = 0
    while true {
        let pending = Array(wire[outcome.consumed..<received])
        let piece: HTTPBodyReader.Piece
        do throws(HTTPFault) {
            piece = try reader.next(pending.span.bytes)
        } catch {
            outcome.fault = error
            return outcome
        }
        steps += 1
        check(steps <= 4 * wire.count + 8, "goes on without end")
        switch piece {
        case .needMore:
            check(pending.count <= HTTPHeadParser.maximumHead + 2, "keeps more than any framing can be")
            if received == wire.count { return outcome }
            received = min(received + pieces, wire.count)
        case .framing(let count):
            check(count <= pending.count, "consumes more than there is")
            outcome.consumed += count
        case .data(let count):
            check((1...pending.count).contains(count), "consumes nothing, or more than there is")
            outcome.body += pending[..<count]
            outcome.consumed += count
        case .end(let trailers, let consumed):
            check(consumed <= pending.count, "consumes more than there is")
            outcome.consumed += consumed
            outcome.trailers = trailers?.bytes
            outcome.hasEnded = true
            checkTrailers(trailers)
            return outcome
        }
    }
}

/// What is sent on behind the last chunk: a strict reader must see the end there, and no field that frames or routes.
private func checkTrailers(_ trailers: HTTPHead?) {
    let wire = HTTPTrailers.lastChunk(trailers)
    check(wire.count <= 5 + (trailers?.bytes.count ?? 0) * 2, "trailers grow")
    var reader = HTTPBodyReader(.chunked, tolerant: false)
    guard case .framing(let start) = try? reader.next(wire.span.bytes),
        case .end(let again, let end) = try? reader.next(wire.span.bytes.extracting(droppingFirst: start))
    else { fatalError("no last chunk") }
    check(start + end == wire.count, "bytes behind the end")
    let kept = trailers?.fields.filter { $0.kind == .other } ?? []
    check(again?.fields.count ?? 0 == kept.count, "a trailer lost or added")
    for (field, old) in zip(again?.fields ?? [], kept) {
        check(field.kind == .other, "a trailer that means something to the hop")
        check(again!.name(field) == trailers!.name(old), "another name of a trailer")
        check(again!.value(field) == trailers!.value(old), "another value of a trailer")
    }
}

/// The chunks of `plain`, of lengths that `input` chooses.
private func chunked(_ plain: [UInt8], lengths: UInt8, tail: String) -> [UInt8] {
    var wire: [UInt8] = []
    var rest = plain[...]
    var length = Int(lengths) + 1
    while !rest.isEmpty {
        let chunk = rest.prefix(length)
        wire += Array(String(chunk.count, radix: 16, uppercase: length & 1 == 1).utf8)
        wire += Array((length & 2 == 2 ? ";a=b\r\n" : "\r\n").utf8) + chunk + Array("\r\n".utf8)
        rest = rest.dropFirst(length)
        length = length * 7 % 301 + 1
    }
    return wire + Array(tail.utf8)
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    let pieces = Int(input.byte()) + 1
    let length = input.byte()
    let bytes = input.rest()
    if mode & 7 == 7 {
        let wire = chunked(bytes, lengths: length, tail: "000;x\r\nT: v\r\n\r\n")
        let outcome = read(wire + [0x47], .chunked, tolerant: false, pieces: pieces)
        check(outcome.hasEnded && outcome.consumed == wire.count, "another end than was written")
        check(outcome.body == bytes && outcome.trailers != nil, "another body than was written")
        return 0
    }
    let framing: HTTPFraming =
        switch mode & 7 {
        case 0: length == 0 ? .none : .length(UInt64(length))
        case 1: .length(UInt64(Int64.max))
        case 2: .untilClose
        default: .chunked
        }
    let tolerant = mode & 8 == 8
    let whole = read(bytes, framing, tolerant: tolerant, pieces: max(bytes.count, 1))
    check(whole == read(bytes, framing, tolerant: tolerant, pieces: pieces), "a cut changes the body")
    check(whole.body.count <= bytes.count, "a body longer than what came")
    return 0
}
