import SSCommon
import Testing

@Suite("Address ranges")
struct IPPrefixTests {
    @Test(
        "A range is read and printed canonically",
        arguments: [
            ("10.0.0.0/8", "10.0.0.0/8"), ("0.0.0.0/0", "0.0.0.0/0"), ("192.0.2.1", "192.0.2.1/32"),
            ("192.0.2.1/32", "192.0.2.1/32"), ("2001:DB8::/32", "2001:db8::/32"), ("::/0", "::/0"),
            ("::1", "::1/128"), ("fe80::/10", "fe80::/10"), ("2001:db8:0:0:8000::/65", "2001:db8:0:0:8000::/65"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"), ("::ffff:0:0/96", "0.0.0.0/0"), ("::/95", "::/95"),
        ])
    func reads(text: String, canonical: String) {
        #expect(IPPrefix(text)?.description == canonical)
    }

    @Test(
        "What is no range is refused",
        arguments: [
            "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/ 8",
            "10.0.0.1/8", "10.0.0.0/8/8", "10/8", "10.0.0/8", "::/129", "::1/127", "2001:db8::/16", "[::]/0",
            "::ffff:10.0.0.1/104", "10.0.0.0/999", "10.0.0.0/99999999999999999999", "example.com", "1.2.3.4/٣",
        ])
    func refuses(text: String) {
        #expect(IPPrefix(text) == nil)
    }

    @Test("A range of every length holds its first and last address and not its neighbours")
    func edges() throws {
        for length in 0...32 {
            let first: UInt32 = length == 0 ? 0 : 0xc0a8_6401 & (~0 << UInt32(32 - length))
            let last = first | (length == 32 ? 0 : ~0 >> UInt32(length))
            let prefix = try #require(IPPrefix(.v4(IPv4Address(first)), length: length))
            #expect(prefix.contains(.v4(IPv4Address(first))) && prefix.contains(.v4(IPv4Address(last))))
            if first > 0 { #expect(!prefix.contains(.v4(IPv4Address(first - 1)))) }
            if last < .max { #expect(!prefix.contains(.v4(IPv4Address(last + 1)))) }
            #expect(!prefix.contains(.v6(IPv6Address(high: 0, low: UInt64(first)))))
        }
        let base = UInt128(0x2001_0db8_0102_0304) << 64 | 0x8506_0708_090a_0b0d
        for length in 0...128 {
            let first = length == 0 ? 0 : base & (~0 << UInt128(128 - length))
            let last = first | (length == 128 ? 0 : ~0 >> UInt128(length))
            let prefix = try #require(IPPrefix(v6(first), length: length))
            #expect(prefix.contains(v6(first)) && prefix.contains(v6(last)))
            if first > 0 { #expect(!prefix.contains(v6(first - 1))) }
            if last < .max { #expect(!prefix.contains(v6(last + 1))) }
        }
    }

    private func v6(_ value: UInt128) -> IPAddress {
        .v6(IPv6Address(high: UInt64(value >> 64), low: UInt64(truncatingIfNeeded: value)))
    }
}
