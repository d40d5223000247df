// Host names: their folding, the addresses they may spell, and their form for the DNS. What the C library takes for an
// address we must take for the same one, or a rule about addresses could be walked round.
// words: names
import Glibc
import SSCommon

/// Punycode back into scalars (RFC 3492 6.2), to hold the encoder against; nil for what no encoder writes.
private func decodePunycode(_ bytes: ArraySlice<UInt8>) -> [UInt32]? {
    var output: [UInt32] = []
    var rest = bytes
    if let dash = bytes.lastIndex(of: UInt8(ascii: "-")) {
        output = bytes[..<dash].map(UInt32.init)
        rest = bytes[(dash + 1)...]
    }
    var (point, index, bias) = (128, 0, 72)
    while !rest.isEmpty {
        let before = index
        var (weight, k) = (1, 36)
        while true {
            guard let byte = rest.popFirst() else { return nil }
            let digit: Int
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = Int(byte - UInt8(ascii: "a"))
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = Int(byte - UInt8(ascii: "0")) + 26
            default: return nil
            }
            index += digit * weight
            let threshold = min(max(k - bias, 1), 26)
            if digit < threshold { break }
            weight *= 36 - threshold
            k += 36
            if index > 1 << 40 || weight > 1 << 40 { return nil }
        }
        let count = output.count + 1
        var delta = before == 0 ? index / 700 : (index - before) / 2
        delta += delta / count
        var steps = 0
        while delta > 455 {
            delta /= 35
            steps += 36
        }
        bias = steps + 36 * delta / (delta + 38)
        point += index / count
        index %= count
        guard let scalar = UInt32(exactly: point) else { return nil }
        output.insert(scalar, at: index)
        index += 1
    }
    return output
}

private func checkPunycode(_ text: String) {
    let scalars = Array(text.unicodeScalars.prefix(63))
    if scalars.allSatisfy(\.isASCII) { return }
    let encoded = Punycode.encode(scalars)
    check(decodePunycode(encoded[...]) == scalars.map(\.value), "Punycode does not come back")
}

private func checkDomain(_ host: HostName) {
    guard let name = try? DomainName(host) else { return }
    check((1...253).contains(name.bytes.count), "a name too long")
    for label in name.bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
        check((1...63).contains(label.count), "a label too long")
        let isPlain = label.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "_")
        }
        check(isPlain, "a byte that no host name has")
        if label.starts(with: "xn--".utf8), !host.bytes.allSatisfy({ $0 < 0x80 }) {
            if let scalars = decodePunycode(label.dropFirst(4)), !host.bytes.contains(UInt8(ascii: "-")) {
                check(scalars.contains { $0 >= 0x80 }, "a label of ASCII in Punycode")
            }
        }
    }
    guard let again = HostName(name.bytes).flatMap({ try? DomainName($0) }) else { fatalError("no name any more") }
    check(again == name, "not one spelling for a name")
    check(NumericHost(name.bytes) == nil, "a name that spells an address")
    check(name.wireBytes.count == name.bytes.count + 2, "another length on the wire")
    check(name.isEqualToOrBelow(name), "not equal to itself")
}

private func checkNumeric(_ bytes: [UInt8]) {
    if let folded = HostFold.fold(bytes) {
        check(folded.count <= bytes.count, "folding grows")
        check(HostFold.fold(folded) == folded, "folding is never done")
    }
    let numeric = NumericHost(bytes)
    if let numeric { check(NumericHost("\(numeric.address)") == numeric, "not the address it prints") }
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else { return }
    if let address = IPAddress(text) { check(numeric?.address == address, "a literal is another address") }
    var found = in_addr()
    if inet_aton(text, &found) == 1 {
        check(
            numeric?.address == .v4(IPv4Address(UInt32(bigEndian: found.s_addr))), "the C library reads another address"
        )
    }
    var wide = in6_addr()
    check((inet_pton(AF_INET6, text, &wide) == 1) == (IPv6Address(text) != nil), "the C library differs on IPv6")
    if let target = TargetAddress(host: text, port: 1) {
        check(target.canonical.canonical == target.canonical, "no canonical form")
        check(isHarmless(target.description), "a foreign control character in a description")
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let bytes = input.take(300)
    checkNumeric(bytes)
    if let text = String(validating: bytes, as: UTF8.self) { checkPunycode(text) }
    if let host = HostName(bytes) {
        check(host.description.utf8.count <= 4 * bytes.count, "a description without bound")
        checkDomain(host)
    }
    return 0
}
