// SOCKS5, SOCKS4 and 4a, each whole and in pieces: both must end alike, to the byte. And the header of datagrams.
import SSCommon

@testable import Front

private enum Outcome: Equatable {
    case waiting
    case request(SOCKSRequest)
    case refused([UInt8], SOCKSFault)
}

private struct Transcript: Equatable {
    var sent: [UInt8] = []
    var consumed = 0
    var outcome = Outcome.waiting
}

/// What a client that sends `wire` in pieces of this size gets to see.
private func converse(_ wire: [UInt8], pieces: Int, version: FrontProtocol, users: FrontUsers) -> Transcript {
    var handshake = SOCKS5Handshake(users: users)
    var transcript = Transcript()
    var received = 0
    while true {
        let pending = Array(wire[transcript.consumed..<received])
        let step =
            version == .socks4
            ? SOCKS4Request.next(pending.span.bytes, users: users) : handshake.next(pending.span.bytes)
        switch step {
        case .needMore:
            check(pending.count < 8 + 256 + 256, "waits for more than any message can be")
            if received == wire.count { return transcript }
            received = min(received + pieces, wire.count)
        case .send(let bytes, let consumed):
            check((1...pending.count).contains(consumed), "consumes nothing, or more than there is")
            transcript.sent += bytes
            transcript.consumed += consumed
        case .request(let request, let consumed):
            check((1...pending.count).contains(consumed), "consumes nothing, or more than there is")
            transcript.consumed += consumed
            transcript.outcome = .request(request)
            return transcript
        case .refuse(let bytes, let fault):
            transcript.outcome = .refused(bytes, fault)
            return transcript
        }
    }
}

private func checkAddress(_ target: TargetAddress) {
    var written: [UInt8] = []
    SOCKSAddress.write(target, to: &written)
    guard let (again, end) = try? SOCKSAddress.read(written.span.bytes, at: 0) else { fatalError("not readable again") }
    check(again == target && end == written.count, "written and read again, it is another address")
}

private func checkDatagram(_ datagram: [UInt8]) {
    guard let (header, offset) = try? SOCKSUDPHeader.read(datagram.span.bytes) else { return }
    check(offset >= 10 || datagram[3] == 3, "a header too short")
    check(offset <= datagram.count && offset <= 262, "a header too long")
    let encoded = header.encoded
    guard let (again, end) = try? SOCKSUDPHeader.read(encoded.span.bytes) else { fatalError("not readable again") }
    check(again == header && end == encoded.count, "written and read again, it is another header")
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    if mode & 3 == 3 {
        checkDatagram((mode & 4 == 4 ? [0, 0, 0] : []) + input.rest())
        return 0
    }
    let pieces = Int(input.byte()) + 1
    let version: FrontProtocol = mode & 3 == 2 ? .socks4 : .socks5
    let users = FrontUsers(mode & 4 == 4 ? [FrontUser(name: "u", password: "p")] : [])
    var wire = input.rest()
    // Right up to the request, to get there more often.
    if mode & 8 == 8, version == .socks5 { wire = (users.required ? [5, 1, 2, 1, 1, 117, 1, 112] : [5, 1, 0]) + wire }
    let whole = converse(wire, pieces: max(wire.count, 1), version: version, users: users)
    let cut = converse(wire, pieces: pieces, version: version, users: users)
    check(whole == cut, "a cut changes the handshake")
    check(whole.sent.count <= 4, "says more than two methods' worth")
    switch whole.outcome {
    case .request(.connect(let target)), .request(.associate(let target)): checkAddress(target)
    case .waiting, .refused: break
    }
    return 0
}
