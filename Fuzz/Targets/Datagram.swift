// Datagrams, arbitrary and authentic with arbitrary plaintext: what is opened is exactly what was sealed, an altered
// one is never opened, and the kept contexts open the next one as if nothing had been.
import SSCommon

private let credentials = CipherMethod.all(of: .sip004).map { Credential(method: $0, password: "fuzz") }

private enum Outcome: Equatable {
    case fault(StreamFault)
    case opened(TargetAddress, payload: [UInt8])
}

private func open(_ codec: inout DatagramCodec, _ wire: [UInt8], salt: Salt?) -> Outcome {
    var outcome = Outcome.fault(.truncated)
    var offset = 0
    let plain = collecting(wire.count) { span in
        do throws(StreamFault) {
            let opened = try codec.open(wire.span.bytes, into: &span)
            check(salt == nil || opened.salt == salt, "another salt")
            offset = opened.payloadOffset
            check(offset <= span.byteCount, "a payload beyond the datagram")
            outcome = .opened(opened.address, payload: [])
        } catch {
            check(error != .notAuthentic || span.isEmpty, "bytes that nobody vouches for")
            outcome = .fault(error)
        }
    }
    if case .opened(let address, _) = outcome { return .opened(address, payload: Array(plain[offset...])) }
    return outcome
}

/// Seals `plain` as it is, whatever it says.
private func sealed(_ plain: [UInt8], _ credential: Credential, _ salt: Salt) -> [UInt8] {
    var piece = plain + [UInt8](repeating: 0, count: AEADAlgorithm.tagLength)
    var context = credential.context(.seal, salt: salt)
    piece.withUnsafeMutableBytes {
        context.seal($0.baseAddress!, count: plain.count, to: $0.baseAddress!, nonce: Nonce())
    }
    return salt.withUnsafeBytes { [UInt8]($0) } + piece
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    let position = Int(input.byte()) << 8 | Int(input.byte())
    let credential = credentials[Int(mode >> 2) % credentials.count]
    let salt = Salt([UInt8](repeating: mode, count: credential.method.saltLength).span.bytes)
    let plain = input.rest()
    var codec = DatagramCodec(credential)
    if mode & 3 == 0 {
        check(open(&codec, plain, salt: nil) == .fault(.notAuthentic), "opened what nobody sealed")
        return 0
    }
    var wire = sealed(plain, credential, salt)
    if mode & 3 == 1 {
        wire[position % wire.count] ^= mode | 1
        check(open(&codec, wire, salt: nil) == .fault(.notAuthentic), "opened what was altered")
        wire[position % wire.count] ^= mode | 1
    }
    let outcome = open(&codec, wire, salt: salt)
    guard let (address, length) = try? TargetAddress.decode(plain.span.bytes) else {
        check(outcome == .fault(plain.isEmpty ? .notAuthentic : .malformedAddress), "an address out of nothing")
        return 0
    }
    let payload = Array(plain[length...])
    check(outcome == .opened(address, payload: payload), "opened something else than was sealed")
    let again = collecting(payload.count + codec.overhead(for: address)) {
        codec.seal(payload.span.bytes, address: address, salt: salt, into: &$0)
    }
    check(open(&codec, again, salt: salt) == outcome, "sealed again, it is another datagram")
    return 0
}
