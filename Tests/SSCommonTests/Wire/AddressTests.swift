import Testing

@testable import SSCommon

@Suite("Addresses")
struct AddressTests {
    @Test(
        "IPv6 is printed as RFC 5952 says",
        arguments: [
            ("::", "::"), ("::1", "::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:0db8::0001", "2001:db8::1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("1::", "1::"), ("0:0:1::", "0:0:1::"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("FE80::ABCD", "fe80::abcd"),
        ])
    func ipv6(text: String, canonical: String) throws {
        let address = try #require(IPv6Address(text))
        #expect(address.description == canonical)
        #expect(IPv6Address(canonical) == address)
    }

    @Test(
        "What is no address is none",
        arguments: [
            "", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::", "1:2:3:4:5:6:7::8:9",
            "::1%eth0",
            "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1..2.3", "1.2.3.4 ", "127.1", "0x7f.0.0.1", "::1.2.3",
            "::1.2.3.4:5",
            ":1", "1:", "[::1]", "1:2:3:4:5:6:7:8::", "١.2.3.4",
        ])
    func malformed(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(
        "An address is encoded and decoded, however it is cut",
        arguments: [
            ("192.0.2.7", "01c000020707d0"), ("2001:db8::1", "0420010db800000000000000000000000107d0"),
            ("example.com", "030b6578616d706c652e636f6d07d0"),
        ])
    func codec(host: String, wire: String) throws {
        let address = try #require(TargetAddress(host: host, port: 2000))
        let bytes = collecting(address.encodedCount) { address.encode(into: &$0) }
        #expect(bytes.hexText == wire)
        for count in 0..<bytes.count { #expect(try TargetAddress.decode(Array(bytes[..<count]).span.bytes) == nil) }
        let (decoded, count) = try #require(try TargetAddress.decode((bytes + [1, 2, 3]).span.bytes))
        #expect(decoded == address)
        #expect(count == bytes.count)
    }

    @Test("A name that spells an IP is that IP", arguments: ["127.0.0.1", "::1", "2001:db8::1"])
    func literalInName(text: String) throws {
        let bytes = [3, UInt8(text.utf8.count)] + Array(text.utf8) + [0, 80]
        let decoded = try #require(try TargetAddress.decode(bytes.span.bytes)).address
        #expect(decoded.host == .ip(IPAddress(text)!))
    }

    @Test("Other types, empty names and names with NUL are refused")
    func refused() {
        for bytes in [[0], [2, 1], [5], [0x11, 1, 2, 3, 4, 0, 80], [255], [3, 0, 0, 80], [3, 1, 0, 0, 80]] as [[UInt8]]
        {
            #expect(throws: StreamFault.malformedAddress) { try TargetAddress.decode(bytes.span.bytes) }
        }
    }

    @Test("Foreign bytes in a name are escaped")
    func escaped() {
        let name = HostName(Array("a\r\n\u{1b}[2J\\ü".utf8))!
        #expect(name.description == "a\\x0d\\x0a\\x1b[2J\\x5c\\xc3\\xbc")
    }
}
