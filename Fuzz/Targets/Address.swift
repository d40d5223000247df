// The address header of Shadowsocks and of SOCKS5: two readers of the same bytes, which must agree, or a client's
// address would be another one at the server. Neither looks beyond what it says it took.
import SSCommon

@testable import Front

private enum Outcome: Equatable {
    case waiting
    case fault
    case address(TargetAddress, count: Int)
}

private func decode(_ bytes: [UInt8]) -> Outcome {
    do throws(StreamFault) {
        guard let (address, count) = try TargetAddress.decode(bytes.span.bytes) else { return .waiting }
        return .address(address, count: count)
    } catch {
        check(error == .malformedAddress, "a fault of something else")
        return .fault
    }
}

/// Every beginning of an address waits; a fault may be seen early but never taken back.
private func checkBeginnings(_ bytes: [UInt8], _ whole: Outcome) {
    for end in 0..<min(bytes.count, TargetAddress.maximumEncodedCount + 1) {
        let part = decode(Array(bytes[..<end]))
        switch whole {
        case .waiting: check(part == .waiting, "an address that more bytes take back")
        case .fault: check(part == .waiting || part == .fault, "a fault that was an address before")
        case .address(_, let count): check(part == (end < count ? .waiting : whole), "looks beyond its address")
        }
    }
    if whole == .waiting { check(bytes.count < TargetAddress.maximumEncodedCount, "waits for more than any address") }
}

private func checkAddress(_ address: TargetAddress) {
    let encoded = collecting(address.encodedCount) { address.encode(into: &$0) }
    check(encoded.count == address.encodedCount, "another length than announced")
    check(decode(encoded) == .address(address, count: encoded.count), "decodes to another address")
    var written: [UInt8] = []
    SOCKSAddress.write(address, to: &written)
    check(written == encoded, "written in two ways")
    for byte in address.description.utf8 { check((0x21...0x7e).contains(byte), "a foreign byte in a description") }
    check(address.canonical.canonical == address.canonical, "no canonical form")
    if case .name(let name) = address.host, let text = name.text {
        check(IPAddress(text) == nil, "an address kept as a name")
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let bytes = input.rest()
    let outcome = decode(bytes)
    checkBeginnings(bytes, outcome)
    guard case .address(let address, let count) = outcome else { return 0 }
    check(count <= min(bytes.count, TargetAddress.maximumEncodedCount), "takes more than there was")
    checkAddress(address)
    // The front takes a literal in brackets for the address, and nothing for a name that only begins with one.
    if let (socks, end) = try? SOCKSAddress.read(bytes.span.bytes, at: 0) {
        check(end == count, "the readers differ in length")
        check(socks.canonical == address.canonical, "the readers differ in the address")
    } else if case .name(let name) = address.host {
        check(name.bytes.first == UInt8(ascii: "["), "a name that only one reader takes")
    } else {
        fatalError("an address that only one reader takes")
    }
    return 0
}
