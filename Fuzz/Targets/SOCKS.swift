// The laptop's SOCKS parsers: every cut of the input gives the same steps, and none looks beyond it.
// with: Sources/sslocal/Front
import SSCommon

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let hasUsers = input.byte() & 1 == 1
    let pieces = Int(input.byte()) + 1
    let bytes = input.rest()
    let users = FrontUsers(hasUsers ? [FrontUser(name: "u", password: "p")] : [])
    check(steps(bytes, pieces: bytes.count + 1, users) == steps(bytes, pieces: pieces, users), "a cut changes a step")
    if case .request(_, let consumed) = SOCKS4Request.next(bytes.span.bytes, users: users) {
        check(consumed <= bytes.count, "consumed more than there was")
    }
    if let (header, offset) = try? SOCKSUDPHeader.read(bytes.span.bytes) {
        check(offset <= bytes.count, "a payload beyond the datagram")
        let again = try? SOCKSUDPHeader.read(header.encoded.span.bytes)
        check(again?.header == header, "a header that does not come back")
    }
    return 0
}

/// The steps of a handshake that gets its bytes so many at a time; the last one if it waits is left out.
private func steps(_ bytes: [UInt8], pieces: Int, _ users: FrontUsers) -> [SOCKSStep] {
    var machine = SOCKS5Handshake(users: users)
    var steps: [SOCKSStep] = []
    var held: [UInt8] = []
    var index = 0
    while index < bytes.count {
        let end = min(index + pieces, bytes.count)
        held += bytes[index..<end]
        index = end
        while true {
            let step = machine.next(held.span.bytes)
            switch step {
            case .needMore: break
            case .send(_, let consumed):
                check(consumed <= held.count, "consumed more than there was")
                steps.append(step)
                held.removeFirst(consumed)
                continue
            case .request(_, let consumed):
                check(consumed <= held.count, "consumed more than there was")
                return steps + [step]
            case .refuse:
                return steps + [step]
            }
            break
        }
    }
    return steps
}
