// The server's opener on arbitrary bytes and on authentic chunks with arbitrary plaintext, cut anywhere: whole and cut
// must agree, and what is delivered is what was sealed, up to the place where somebody altered it.
import SSCommon

private let credentials = CipherMethod.all(of: .sip004).map { Credential(method: $0, password: "fuzz") }

private struct Outcome: Equatable {
    var target: TargetAddress?
    var payload: [UInt8] = []
    var fault: StreamFault?
    var isComplete = false
}

private func read(_ wire: [UInt8], _ credential: Credential, pieces: Int) -> Outcome {
    var opener = RequestOpener(AcceptedKeys(credential))
    var outcome = Outcome()
    var rest: [UInt8] = []
    var index = 0
    var salts = 0
    while index < wire.count {
        let end = min(index + pieces, wire.count)
        let input = rest + wire[index..<end]
        index = end
        var received = RequestOpener.Received()
        var fault: StreamFault?
        let output = collecting(input.count) { span in
            do throws(StreamFault) {
                received = try opener.receive(input.span.bytes, into: &span, now: 0, isKnown: { _ in false }) { _ in
                    salts += 1
                }
            } catch {
                fault = error
            }
        }
        if let fault {
            // What a faulty call opened before the fault depends on the cut; it is never delivered.
            outcome.fault = fault
            check(!opener.isComplete, "complete after a fault")
            return outcome
        }
        check(received.consumed <= input.count, "consumed more than there was")
        if let target = received.request?.target {
            check(outcome.target == nil, "a second target")
            outcome.target = target
        }
        check(outcome.target != nil || output.isEmpty, "payload for nobody")
        check(salts == (outcome.target == nil ? 0 : 1), "a salt recorded before the header was authentic")
        outcome.payload += output
        rest = Array(input[received.consumed...])
        check(rest.count < 0x3fff + 16, "keeps more than a chunk")
    }
    outcome.isComplete = opener.isComplete && rest.isEmpty
    return outcome
}

/// `address` and then chunks of lengths that `input` chooses, and their plaintext.
private func chunks(
    _ address: [UInt8], _ input: inout FuzzInput, _ credential: Credential, _ salt: Salt
) -> (plain: [UInt8], wire: [UInt8]) {
    var plain: [UInt8] = []
    var address = address
    var wire = salt.withUnsafeBytes { [UInt8]($0) }
    var sealer = ChunkSealer(credential.context(.seal, salt: salt), maximumPayload: 0x3fff)
    while !input.bytes.isEmpty {
        let chunk = address + input.take(Int(input.byte()) % 40 + 1)
        address = []
        plain += chunk
        wire += collecting(chunk.count + ChunkSealer.overhead) { sealer.seal(chunk.span.bytes, into: &$0) }
    }
    return (plain, wire)
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    let pieces = Int(input.byte()) + 1
    let credential = credentials[Int(mode >> 2 & 31) % credentials.count]
    let salt = Salt([UInt8](repeating: 7, count: credential.method.saltLength).span.bytes)
    if mode & 3 == 0 {
        let wire = input.rest()
        let whole = read(wire, credential, pieces: max(wire.count, 1))
        check(whole.target == nil && whole.payload.isEmpty && !whole.isComplete, "opened what nobody sealed")
        check(whole == read(wire, credential, pieces: pieces), "a cut changes the outcome")
        return 0
    }
    let position = Int(input.byte()) << 8 | Int(input.byte())
    let address: [UInt8] = mode & 0x80 == 0 ? [] : [1, 192, 0, 2, 1, 1, 187]
    var (plain, wire) = chunks(address, &input, credential, salt)
    let isAltered = mode & 3 == 1
    if isAltered { wire[position % wire.count] ^= mode | 1 }
    let whole = read(wire, credential, pieces: wire.count)
    let cut = read(wire, credential, pieces: max(pieces, wire.count / 1000))
    check(whole.fault == cut.fault, "a cut changes the fault")
    if whole.fault == nil { check(whole == cut, "a cut changes the outcome") }
    if isAltered { check(!whole.isComplete, "an altered stream is complete") }
    guard let (target, length) = try? TargetAddress.decode(plain.span.bytes), target.port != 0 else {
        check(whole.target == nil && cut.target == nil, "a target out of nothing")
        return 0
    }
    check(cut.target == nil || cut.target == target, "another target")
    if isAltered {
        check(plain[length...].starts(with: cut.payload), "delivered what nobody sealed")
    } else {
        check(whole.isComplete && whole.target == target, "an authentic stream was refused")
        check(whole.payload.elementsEqual(plain[length...]), "delivered something else than was sealed")
    }
    return 0
}
