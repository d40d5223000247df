// Names and the messages about them: DNS replies, domain names, every spelling of an address, ranges, nameservers.
import SSCommon

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let choice = input.byte()
    let bytes = input.rest()
    if let name = HostName(bytes) {
        if let number = NumericHost(name) {
            check(IPAddress(number.address.description) == number.address, "an address that prints as another")
        }
        _ = try? DomainName(name)
    }
    guard choice % 2 == 0, let text = String(validating: bytes, as: UTF8.self) else { return 0 }
    if let prefix = IPPrefix(text) { check(prefix.contains(prefix.address), "a range without its own address") }
    _ = try? Nameserver.list(text)
    return 0
}
