// SIP022's headers behind the AEAD: authentic pieces with arbitrary plaintext, cut anywhere. Whole and cut must agree, what is
// refused records no salt, and what is delivered is what was sealed. Datagrams in both directions as well.
import SSCommon

private let now: UInt64 = 1_700_000_000
private let credentials = CipherMethod.all(of: .sip022).map { method in
    Credential(method: method, key: SecretKey([UInt8](repeating: 5, count: method.keyLength)))
}

private struct Outcome: Equatable {
    var target: TargetAddress?
    var payload: [UInt8] = []
    var fault: StreamFault?
}

private func read(_ wire: [UInt8], _ keys: AcceptedKeys, pieces: Int) -> Outcome {
    var opener = RequestOpener(keys)
    var outcome = Outcome()
    var rest: [UInt8] = []
    var salts = 0
    for start in stride(from: 0, to: wire.count, by: pieces) {
        let input = rest + wire[start..<min(start + pieces, wire.count)]
        var received = RequestOpener.Received()
        let output = collecting(input.count) { span in
            do throws(StreamFault) {
                received = try opener.receive(input.span.bytes, into: &span, now: now, isKnown: { _ in false }) { _ in
                    salts += 1
                }
            } catch {
                outcome.fault = error
            }
        }
        if outcome.fault != nil { break }
        if let request = received.request { outcome.target = request.target }
        outcome.payload += output
        rest = Array(input[received.consumed...])
        check(outcome.target != nil || output.isEmpty, "payload for nobody")
    }
    check(salts == (outcome.target == nil ? 0 : 1), "a salt recorded before the header was good")
    return outcome
}

/// A request with these headers, whatever they say.
private func request(_ credential: Credential, fixed: [UInt8], variable: [UInt8]) -> [UInt8] {
    let salt = Salt([UInt8](repeating: 7, count: credential.method.saltLength).span.bytes)
    var chunks = ChunkSealer(credential.context(.seal, salt: salt), maximumPayload: 0xffff)
    return salt.withUnsafeBytes { [UInt8]($0) }
        + collecting(fixed.count + variable.count + 32) { output in
            chunks.sealPiece(fixed.span.bytes, into: &output)
            chunks.sealPiece(variable.span.bytes, into: &output)
        }
}

private func fuzzRequest(_ input: inout FuzzInput, _ credential: Credential, _ mode: UInt8) {
    let pieces = Int(input.byte()) + 1
    // Mostly a good fixed header: the interesting part is behind it.
    var fixed: [UInt8] = [0] + (0..<8).map { UInt8(truncatingIfNeeded: now >> (56 - 8 * $0)) }
    if mode & 0x40 != 0 { fixed = (0..<9).map { _ in input.byte() } }
    let variable = input.rest()
    let length = variable.count + (mode & 0x20 == 0 ? 0 : 1)
    fixed += [UInt8(length >> 8 & 255), UInt8(length & 255)]
    let wire = request(credential, fixed: fixed, variable: variable)
    let keys = AcceptedKeys(credential)
    let whole = read(wire, keys, pieces: wire.count)
    let cut = read(wire, keys, pieces: max(pieces, wire.count / 200))
    check(whole == cut, "a cut changes the outcome")
    guard let target = whole.target else { return check(whole.payload.isEmpty, "payload without a header") }
    check(variable.suffix(whole.payload.count).elementsEqual(whole.payload), "delivered what nobody sealed")
    check(target.port != 0, "a request for port 0")
    // As it was sent: a name that is a literal has become an address of another length.
    let sent = (try? TargetAddress.decode(variable.span.bytes))?.count ?? variable.count
    check(variable.count > sent + 2, "neither payload nor padding")
}

private func fuzzDatagrams(_ input: inout FuzzInput, _ credential: Credential, _ mode: UInt8) {
    let position = Int(input.byte()) << 8 | Int(input.byte())
    let payload = input.rest()
    let address = TargetAddress(host: "192.0.2.1", port: mode & 4 == 0 ? 53 : 443)!
    var random = SaltSource()
    var client = ClientDatagramSession(credential, session: 9)
    var server = ServerDatagramOpener(AcceptedKeys(credential))
    var wire = collecting(payload.count + client.overhead(for: address)) {
        client.seal(payload.span.bytes, address: address, now: now, random: &random, into: &$0)
    }
    let isAltered = mode & 8 != 0
    if isAltered { wire[position % wire.count] ^= mode | 1 }
    var session: ServerDatagramSession?
    let plain = collecting(wire.count) { output in
        do throws(StreamFault) {
            let opened = try server.open(wire.span.bytes, into: &output, now: now, random: &random, find: { _ in nil })
            check(!isAltered && opened.address == address, "opened what nobody sealed")
            check(output.byteCount - opened.payloadOffset == payload.count, "another length")
            session = opened.session
        } catch {
            check(isAltered, "an authentic datagram was refused")
        }
    }
    guard let session else { return }
    check(plain.suffix(payload.count).elementsEqual(payload), "delivered something else than was sealed")
    let answer = collecting(payload.count + session.overhead(for: address)) {
        session.seal(payload.span.bytes, address: address, now: now, random: &random, into: &$0)
    }
    let back = collecting(answer.count) { output in
        _ = try? client.open(answer.span.bytes, into: &output, now: now, clock: 0)
    }
    check(back.suffix(payload.count).elementsEqual(payload), "an answer was not opened")
    // Arbitrary bytes, too.
    _ = collecting(payload.count) { output in
        let isOpened =
            (try? server.open(
                payload.span.bytes, into: &output, now: now, random: &random, find: { _ in session })) != nil
        check(!isOpened, "opened what nobody sealed")
    }
    _ = collecting(payload.count) { output in
        let isOpened = (try? client.open(payload.span.bytes, into: &output, now: now, clock: 0)) != nil
        check(!isOpened, "opened what nobody sealed")
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    let credential = credentials[Int(mode & 3) % credentials.count]
    if mode & 0x80 == 0 {
        fuzzRequest(&input, credential, mode)
    } else {
        fuzzDatagrams(&input, credential, mode)
    }
    return 0
}
