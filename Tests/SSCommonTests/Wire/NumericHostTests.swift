import SSCommon
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Spellings of addresses")
struct NumericHostTests {
    @Test(
        "Every spelling of an address is that address",
        arguments: [
            ("127.0.0.1", "127.0.0.1"), ("127.1", "127.0.0.1"), ("127.0.1", "127.0.0.1"), ("0x7f.1", "127.0.0.1"),
            ("0X7F.0x0.0.0x1", "127.0.0.1"), ("2130706433", "127.0.0.1"), ("0177.0.0.1", "127.0.0.1"),
            ("017700000001", "127.0.0.1"), ("0x7f000001", "127.0.0.1"), ("0", "0.0.0.0"), ("0x", "0.0.0.0"),
            ("00000000000000000000000000000177.1", "127.0.0.1"), ("127.0.0.1.", "127.0.0.1"),
            ("0xa9fea9fe", "169.254.169.254"), ("169.254.43518", "169.254.169.254"), ("127.0.0.1 x", "127.0.0.1"),
            ("127.1\r\nX: y", "127.0.0.1"), ("[127.0.0.1]", "127.0.0.1"), ("4294967295", "255.255.255.255"),
            ("1.16777215", "1.255.255.255"), ("1.2.65535", "1.2.255.255"),
            ("::1", "::1"), ("[::1]", "::1"), ("[::]", "::"), ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
            ("[::1].", "::1"), ("fe80::1%eth0", "fe80::1"), ("[fe80::1%25lo]", "fe80::1"),
            ("１２７.0.0.1", "127.0.0.1"), ("127。0。0。1", "127.0.0.1"), ("127．0｡0.1", "127.0.0.1"),
            ("①②⑦.0.0.1", "127.0.0.1"), ("⓪x7f.1", "127.0.0.1"), ("０ｘ７ｆ.1", "127.0.0.1"), ("⑫⑦.1", "127.0.0.1"),
            ("⒈2.3.4", "1.2.3.4"), ("¹²⁷.₀.0.1", "127.0.0.1"), ("𝟏𝟐𝟕.0.0.𝟣", "127.0.0.1"),
            ("127.0.0.1\u{ad}", "127.0.0.1"),
            ("127.\u{200b}0.0.1", "127.0.0.1"), ("［：：１］", "::1"), ("0ⓧ7Ⓕ.1", "127.0.0.1"),
        ])
    func recognises(text: String, address: String) {
        #expect(NumericHost(text)?.address.description == address)
    }

    @Test(
        "What nobody takes for an address is none",
        arguments: [
            "", ".", "..", "example.com", "1.2.3.4.example", "127.0.0.1.nip.io", "256.0.0.1", "1.256.1", "1.2.3.256",
            "4294967296", "08", "0x7g", "1..2", ".1", "1.2.3.4.5", "1.2.3.4..", "-1", "+1", "1e3", "0xx1", "a.1b",
            ":", ":::", "::g", "1:2:3:4:5:6:7", "[::1", "::1]", "127.0.0.%31", "x127.1", "localhost",
            "99999999999999999999999999999999999999999", " 127.0.0.1",
        ])
    func clears(text: String) {
        #expect(NumericHost(text) == nil)
    }

    @Test("Bytes that are no UTF-8 are no address")
    func brokenText() {
        #expect(NumericHost([0x31, 0xff, 0x2e, 0x31]) == nil)
    }

    @Test("Whatever inet_aton takes, we take the same way", arguments: [1, 2, 3])
    func agreesWithTheLibrary(seed: UInt64) {
        var random = SplitMix(state: seed)
        let alphabet = Array("0123456789xXaAfF.. \t78".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 1...14, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            var raw = in_addr()
            guard inet_aton(String(decoding: bytes, as: UTF8.self), &raw) != 0 else { continue }
            let expected = IPAddress.v4(
                IPv4Address(withUnsafeBytes(of: raw) { UInt32(bigEndian: $0.load(as: UInt32.self)) }))
            #expect(NumericHost(bytes)?.address == expected, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test("A target named by a spelling of an address is that address, mapped ones folded")
    func canonicalTarget() throws {
        let name = try #require(HostName("0x7f.1"))
        #expect(TargetAddress(.name(name), port: 80).canonical.description == "127.0.0.1:80")
        let mapped = try #require(TargetAddress(host: "::ffff:10.0.0.1", port: 1))
        #expect(mapped.canonical.description == "10.0.0.1:1")
        let other = try #require(TargetAddress(host: "example.com", port: 443))
        #expect(other.canonical == other)
    }
}

/// A generator with a seed, so that a failure can be repeated (Steele, Lea, Flood 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
