// The datagram opener on arbitrary bytes, and on authentic datagrams with arbitrary plaintext.
import SSCommon

private let credential = Credential(method: .aes256GCM, password: "fuzz")
private let salt = Salt([UInt8](repeating: 7, count: 32).span.bytes)

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    var codec = DatagramCodec(credential)
    var wire: [UInt8]
    if input.byte() & 1 == 1 {
        let plain = input.rest()
        var piece = plain + [UInt8](repeating: 0, count: 16)
        var context = credential.context(.seal, salt: salt)
        piece.withUnsafeMutableBytes {
            context.seal($0.baseAddress!, count: plain.count, to: $0.baseAddress!, nonce: Nonce())
        }
        wire = salt.withUnsafeBytes { [UInt8]($0) } + piece
    } else {
        wire = input.rest()
    }
    _ = collecting(wire.count) { span in
        if let opened = try? codec.open(wire.span.bytes, into: &span) {
            check(opened.payloadOffset <= span.byteCount, "a payload beyond the datagram")
        }
    }
    return 0
}
