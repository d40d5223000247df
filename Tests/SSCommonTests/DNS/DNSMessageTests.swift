import Testing

@testable import SSCommon

@Suite("DNS messages")
struct DNSMessageTests {
    let query: DNSQuery
    let name: DomainName

    init() throws {
        name = try #require(DomainName("www.example.com"))
        query = DNSQuery(id: 0x1234, DNSQuestion(name, .a))
    }

    @Test("A query is what RFC 1035 says")
    func queryBytes() {
        let expected: [UInt8] =
            [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3] + Array("www".utf8) + [7] + Array("example".utf8) + [3]
            + Array("com".utf8) + [0, 0, 1, 0, 1]
        #expect(query.bytes == expected)
        #expect(DNSQuery(id: 1, DNSQuestion(name, .aaaa)).bytes.suffix(4) == [0, 28, 0, 1])
    }

    @Test("Addresses are read with the smallest TTL of the chain that leads to them")
    func chain() throws {
        var message = MessageBuilder(query)
        message.alias("www.example.com", to: "a.cdn.example", ttl: 300)
        message.address("other.example", 9, 9, 9, 9, ttl: 1)
        message.alias("a.cdn.example", to: "b.cdn.example", ttl: 20)
        message.address("B.cdn.example", 192, 0, 2, 1, ttl: 60)
        message.address("b.cdn.example", 192, 0, 2, 2, ttl: 90)
        message.address("b.cdn.example", 192, 0, 2, 1, ttl: 90)
        let reply = try DNSReply(message.bytes, to: query)
        #expect(reply == .addresses([v4(192, 0, 2, 1), v4(192, 0, 2, 2)], ttl: 20))
    }

    @Test("A chain out of order is followed, a chain in a circle ends")
    func oddChains() throws {
        var late = MessageBuilder(query)
        late.address("b.example", 192, 0, 2, 1, ttl: 60)
        late.alias("a.example", to: "b.example", ttl: 60)
        late.alias("www.example.com", to: "a.example", ttl: 60)
        #expect(try DNSReply(late.bytes, to: query) == .addresses([v4(192, 0, 2, 1)], ttl: 60))
        var circle = MessageBuilder(query)
        circle.alias("www.example.com", to: "a.example", ttl: 60)
        circle.alias("a.example", to: "www.example.com", ttl: 60)
        #expect(try DNSReply(circle.bytes, to: query) == .absent(exists: true, ttl: nil))
        var long = MessageBuilder(query)
        long.alias("www.example.com", to: "c0.example", ttl: 60)
        for index in 0..<40 { long.alias("c\(index).example", to: "c\(index + 1).example", ttl: 60) }
        long.address("c40.example", 192, 0, 2, 1, ttl: 60)
        #expect(try DNSReply(long.bytes, to: query) == .absent(exists: true, ttl: nil))
    }

    @Test("IPv6 addresses are read")
    func ipv6() throws {
        let query = DNSQuery(id: 7, DNSQuestion(name, .aaaa))
        var message = MessageBuilder(query)
        message.record(
            "www.example.com", 28, ttl: 5, data: [0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 11) + [9])
        #expect(try DNSReply(message.bytes, to: query) == .addresses([IPAddress("2001:db8::9")!], ttl: 5))
    }

    @Test("A thousand addresses give the first thirty-two")
    func many() throws {
        var message = MessageBuilder(query)
        for index in 0..<1000 {
            message.address("www.example.com", 192, 0, UInt8(index >> 8), UInt8(index & 255), ttl: 60)
        }
        guard case .addresses(let addresses, 60) = try DNSReply(message.bytes, to: query) else {
            Issue.record("no addresses")
            return
        }
        #expect(addresses == (0..<32).map { v4(192, 0, 0, $0) })
    }

    @Test("Absence lasts as long as the SOA record says")
    func absence() throws {
        var none = MessageBuilder(query, code: 3)
        none.authority("example.com", ttl: 900, minimum: 120)
        #expect(try DNSReply(none.bytes, to: query) == .absent(exists: false, ttl: 120))
        var noData = MessageBuilder(query)
        noData.alias("www.example.com", to: "a.example", ttl: 30)
        noData.authority("example", ttl: 60, minimum: 3600)
        #expect(try DNSReply(noData.bytes, to: query) == .absent(exists: true, ttl: 30))
        #expect(try DNSReply(MessageBuilder(query).bytes, to: query) == .absent(exists: true, ttl: nil))
    }

    @Test("Truncation, refusal and failure are told", arguments: [1, 2, 4, 5, 9] as [UInt8])
    func failures(code: UInt8) throws {
        #expect(try DNSReply(MessageBuilder(query, code: code).bytes, to: query) == .failed(code: code))
        #expect(try DNSReply(MessageBuilder(query, flags: 0x8200).bytes, to: query) == .truncated)
        let bare: [UInt8] = [0x12, 0x34, 0x80, code, 0, 0, 0, 0, 0, 0, 0, 0]
        #expect(try DNSReply(bare, to: query) == .failed(code: code))
    }

    @Test("What answers another id, name, type, class or is no answer is unrelated")
    func unrelated() throws {
        let name = try #require(DomainName("www.example.org"))
        var others = [
            MessageBuilder(DNSQuery(id: 0x1235, query.question)).bytes,
            MessageBuilder(DNSQuery(id: 0x1234, DNSQuestion(name, .a))).bytes,
            MessageBuilder(DNSQuery(id: 0x1234, DNSQuestion(self.name, .aaaa))).bytes,
            MessageBuilder(query, flags: 0x0000).bytes, MessageBuilder(query, flags: 0x8800).bytes,
            [0x12, 0x34, 0x80, 3, 0, 0, 0, 0, 0, 0, 0, 0], query.bytes, [],
        ]
        var chaos = MessageBuilder(query).bytes
        chaos[chaos.count - 1] = 3
        others.append(chaos)
        var two = MessageBuilder(query).bytes
        two[5] = 2
        others.append(two)
        for bytes in others {
            #expect(throws: DNSReply.Fault.unrelated) { try DNSReply(bytes, to: query) }
        }
    }

    @Test("The question may come back in other letters' case")
    func questionCase() throws {
        var message = MessageBuilder(query)
        message.address("WWW.EXAMPLE.COM", 192, 0, 2, 1, ttl: 60)
        var bytes = message.bytes
        bytes[13] = UInt8(ascii: "W")
        #expect(try DNSReply(bytes, to: query) == .addresses([v4(192, 0, 2, 1)], ttl: 60))
    }

    @Test("A TTL with the top bit set is zero")
    func hugeTTL() throws {
        var message = MessageBuilder(query)
        message.address("www.example.com", 192, 0, 2, 1, ttl: 0x8000_0000)
        #expect(try DNSReply(message.bytes, to: query) == .addresses([v4(192, 0, 2, 1)], ttl: 0))
    }

    @Test("A message cut anywhere is refused, or says less, but never traps")
    func everyCut() throws {
        var message = MessageBuilder(query)
        message.alias("www.example.com", to: "a.cdn.example", ttl: 300)
        message.address("a.cdn.example", 192, 0, 2, 1, ttl: 60)
        for length in 0..<message.bytes.count {
            #expect(throws: DNSReply.Fault.self, "\(length)") {
                try DNSReply(Array(message.bytes[..<length]), to: query)
            }
        }
        var absent = MessageBuilder(query, code: 3)
        absent.authority("example.com", ttl: 900, minimum: 120)
        let whole = absent.bytes
        for length in query.bytes.count..<whole.count {
            #expect(try DNSReply(Array(whole[..<length]), to: query) == .absent(exists: false, ttl: nil), "\(length)")
        }
    }

    @Test("Compression pointers are followed backwards only")
    func pointers() throws {
        var message = MessageBuilder(query)
        message.record(owner: [0xc0, 12], 1, ttl: 60, data: [192, 0, 2, 1])
        #expect(try DNSReply(message.bytes, to: query) == .addresses([v4(192, 0, 2, 1)], ttl: 60))
        let here = UInt8(MessageBuilder(query).bytes.count)
        for owner: [UInt8] in [
            [0xc0, here], [0xc0, here + 2, 0xc0, here], [1, 0x61, 0xc0, here], [0xc0, 250], [0xff, 0xff], [0x40],
            [0x80, 0],
        ] {
            var bad = MessageBuilder(query)
            bad.record(owner: owner, 1, ttl: 60, data: [192, 0, 2, 1])
            #expect(throws: DNSReply.Fault.malformed, "\(owner)") { try DNSReply(bad.bytes, to: query) }
        }
    }

    @Test("Data of the wrong length are malformed", arguments: [0, 3, 5, 16])
    func wrongLength(count: Int) {
        var message = MessageBuilder(query)
        message.record("www.example.com", 1, ttl: 60, data: [UInt8](repeating: 1, count: count))
        #expect(throws: DNSReply.Fault.malformed) { try DNSReply(message.bytes, to: query) }
    }

    @Test("Random damage never traps", arguments: [1, 2, 3, 4] as [UInt64])
    func damage(seed: UInt64) throws {
        var message = MessageBuilder(query)
        message.alias("www.example.com", to: "a.cdn.example", ttl: 300)
        message.record(owner: [0xc0, 12], 1, ttl: 60, data: [192, 0, 2, 1])
        message.address("a.cdn.example", 192, 0, 2, 1, ttl: 60)
        var random = SplitMix(state: seed)
        for _ in 0..<20_000 {
            var bytes = message.bytes
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 2..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? DNSReply(bytes, to: query)
        }
    }

    @Test("The worst message of 64 KiB is read in a few milliseconds")
    func worstCase() throws {
        // A name of 127 labels once, and thousands of records whose owners and targets point at it.
        var bytes = MessageBuilder(query).bytes
        let start = bytes.count
        bytes += (0..<127).flatMap { _ in [1, 0x61] as [UInt8] } + [0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0]
        let pointer = [0xc0 | UInt8(start >> 8), UInt8(start & 255)]
        var count = 1
        while bytes.count < 65_000 {
            bytes += pointer + [0, 5, 0, 1, 0, 0, 0, 9, 0, 2] + pointer
            count += 1
        }
        bytes[6] = UInt8(count >> 8)
        bytes[7] = UInt8(count & 255)
        let time = ContinuousClock().measure { _ = try? DNSReply(bytes, to: query) }
        #expect(time < .milliseconds(500))  // unoptimised and on a busy machine
    }

    private func v4(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) -> IPAddress { .v4(IPv4Address(a, b, c, d)) }
}

/// A name server's reply, record by record, names uncompressed.
struct MessageBuilder {
    private(set) var bytes: [UInt8]

    init(_ query: DNSQuery, flags: UInt16 = 0x8180, code: UInt8 = 0) {
        bytes = query.bytes
        bytes[2] = UInt8(flags >> 8)
        bytes[3] = UInt8(flags & 0xff) | code
    }

    mutating func address(_ owner: String, _ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8, ttl: UInt32) {
        record(owner, 1, ttl: ttl, data: [a, b, c, d])
    }

    mutating func alias(_ owner: String, to target: String, ttl: UInt32) {
        record(owner, 5, ttl: ttl, data: wire(target))
    }

    mutating func authority(_ owner: String, ttl: UInt32, minimum: UInt32) {
        let numbers = [UInt32(1), 2, 3, 4, minimum].flatMap(bigEndian)
        record(owner: wire(owner), 6, ttl: ttl, data: wire("ns.example") + wire("admin.example") + numbers, section: 9)
    }

    mutating func record(_ owner: String, _ kind: UInt16, ttl: UInt32, data: [UInt8]) {
        record(owner: wire(owner), kind, ttl: ttl, data: data)
    }

    mutating func record(owner: [UInt8], _ kind: UInt16, ttl: UInt32, data: [UInt8], section: Int = 7) {
        let count = (UInt16(bytes[section - 1]) << 8 | UInt16(bytes[section])) + 1
        bytes[section - 1] = UInt8(count >> 8)
        bytes[section] = UInt8(count & 255)
        bytes +=
            owner + [0, UInt8(kind), 0, 1] + bigEndian(ttl) + [UInt8(data.count >> 8), UInt8(data.count & 255)] + data
    }

    private func wire(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    private func bigEndian(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }
}
