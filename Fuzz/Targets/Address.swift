// The address header of SOCKS5 and Shadowsocks: what decodes must encode to something that decodes to the same.
import SSCommon

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let bytes = input.rest()
    guard let (address, length) = try? TargetAddress.decode(bytes.span.bytes) else { return 0 }
    check(length <= bytes.count, "consumed more than there was")
    let encoded = collecting(address.encodedCount) { address.encode(into: &$0) }
    guard let (again, _) = try? TargetAddress.decode(encoded.span.bytes) else { fatalError("does not decode again") }
    check(again == address, "decodes to something else")
    for byte in address.description.utf8 { check((0x21...0x7e).contains(byte), "a foreign byte in a description") }
    return 0
}
