// The client's opener on arbitrary bytes, and on authentic chunks altered in one place.
import SSCommon

private let credential = Credential(method: .chacha20Poly1305, password: "fuzz")
private let salt = Salt([UInt8](repeating: 7, count: 32).span.bytes)

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    let position = Int(input.byte())
    let plain = input.rest()
    var wire = plain
    if mode & 1 == 1 {
        var sealer = ResponseSealer(credential, salt: salt)
        wire = collecting(sealer.sealedCount(plain.count)) { sealer.seal(plain.span.bytes, into: &$0) }
        if mode & 2 == 2, !wire.isEmpty { wire[position % wire.count] ^= mode | 1 }
    }
    var opener = ResponseOpener(credential)
    var isFaulty = false
    let opened = collecting(wire.count) { span in
        do throws(StreamFault) {
            _ = try opener.receive(wire.span.bytes, into: &span) { _ in true }
        } catch {
            isFaulty = true
        }
    }
    if mode & 3 == 1 { check(opened == plain && !isFaulty, "an authentic stream was not opened") }
    if mode & 3 == 3, !plain.isEmpty { check(isFaulty || opened.isEmpty, "an altered stream was opened") }
    return 0
}
