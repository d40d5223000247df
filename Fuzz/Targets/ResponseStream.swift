// The client's opener on arbitrary bytes, and on authentic streams, cut short or altered in one place, in pieces: what
// is delivered is what was sealed, up to there.
import SSCommon

private let credentials = CipherMethod.allCases.map { method in
    Credential(method: method, key: SecretKey([UInt8](repeating: 5, count: method.keyLength)))
}

/// Of the request that is answered.
private func requestSalt(_ credential: Credential) -> Salt {
    Salt([UInt8](repeating: 8, count: credential.method.saltLength).span.bytes)
}

private struct Outcome: Equatable {
    var payload: [UInt8] = []
    var fault: StreamFault?
    var isComplete = false
}

private func read(_ wire: [UInt8], _ credential: Credential, isFresh: Bool, pieces: Int) -> Outcome {
    var opener = ResponseOpener(credential, request: requestSalt(credential))
    var outcome = Outcome()
    var rest: [UInt8] = []
    var index = 0
    while index < wire.count {
        let end = min(index + pieces, wire.count)
        let input = rest + wire[index..<end]
        index = end
        var consumed = 0
        let output = collecting(input.count) { span in
            do throws(StreamFault) {
                consumed = try opener.receive(input.span.bytes, into: &span, now: 0) { _ in isFresh }
            } catch {
                outcome.fault = error
            }
        }
        if outcome.fault != nil {
            check(!opener.isComplete, "complete after a fault")
            return outcome
        }
        check(consumed <= input.count, "consumed more than there was")
        outcome.payload += output
        rest = Array(input[consumed...])
        check(rest.count < credential.method.maximumChunkPayload + 16, "keeps more than a chunk")
    }
    outcome.isComplete = opener.isComplete && rest.isEmpty
    return outcome
}

/// `plain` sealed in several writes.
private func sealed(_ plain: [UInt8], _ credential: Credential, length: UInt8) -> [UInt8] {
    let salt = Salt([UInt8](repeating: 7, count: credential.method.saltLength).span.bytes)
    var sealer = ResponseSealer(credential, salt: salt, request: requestSalt(credential))
    var wire: [UInt8] = []
    var rest = plain[...]
    // A few long payloads too: the largest chunk is longer than any input.
    if length == 0 { rest = [UInt8](repeating: 3, count: 0x4000)[...] + plain }
    while !rest.isEmpty {
        let payload = Array(rest.prefix(length == 0 ? rest.count : Int(length) * 16))
        wire += collecting(sealer.sealedCount(payload.count)) { sealer.seal(payload.span.bytes, into: &$0, now: 0) }
        rest = rest.dropFirst(payload.count)
    }
    return wire
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    let pieceLength = Int(input.byte()) + 1
    let length = input.byte()
    let position = Int(input.byte()) << 8 | Int(input.byte())
    let credential = credentials[Int(mode >> 3 & 15) % credentials.count]
    let plain = input.rest()
    let expected = length == 0 && mode & 3 != 0 ? [UInt8](repeating: 3, count: 0x4000) + plain : plain
    var wire = mode & 3 == 0 ? plain : sealed(plain, credential, length: length)
    if mode & 3 == 1, !wire.isEmpty { wire[position % wire.count] ^= mode | 1 }
    if mode & 3 == 2, !wire.isEmpty { wire.removeLast(position % wire.count) }
    // Not so many pieces that most of the time goes into copying what waits.
    let pieces = max(pieceLength, wire.count / 100)
    let isFresh = mode & 7 != 7
    let whole = read(wire, credential, isFresh: isFresh, pieces: max(wire.count, 1))
    let cut = read(wire, credential, isFresh: isFresh, pieces: pieces)
    check(whole.fault == cut.fault, "a cut changes the fault")
    if whole.fault == nil { check(whole == cut, "a cut changes the outcome") }
    if !isFresh, credential.method.edition == .sip004 {
        check(wire.isEmpty || cut == Outcome(fault: .replayed), "a salt seen before was taken")
        return 0
    }
    switch mode & 3 {
    case 0: check(cut.payload.isEmpty, "opened what nobody sealed")
    case 1:
        check(wire.isEmpty || !cut.isComplete, "an altered stream is complete")
        check(expected.starts(with: cut.payload), "delivered what nobody sealed")
    case 2:
        check(cut.fault == nil && expected.starts(with: cut.payload), "delivered something else than was sealed")
    default: check(whole == Outcome(payload: expected, isComplete: true), "an authentic stream was not opened")
    }
    return 0
}
