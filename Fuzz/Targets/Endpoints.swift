// Addresses in text: what parses must print to something that parses to the same.
import SSCommon

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    guard let text = String(validating: input.rest(), as: UTF8.self) else { return 0 }
    if let address = IPAddress(text) { check(IPAddress(address.description) == address, "prints to another address") }
    _ = TargetAddress(host: text, port: 1)
    return 0
}
