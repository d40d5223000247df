import SSCommon
import Testing

@Suite("A lookup at name servers")
struct StubLookupTests {
    let a: DNSQuery
    let aaaa: DNSQuery
    let name: DomainName
    let v6: [UInt8] = [0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]

    init() throws {
        name = try #require(DomainName("www.example.com"))
        a = DNSQuery(id: 1, DNSQuestion(name, .a))
        aaaa = DNSQuery(id: 2, DNSQuestion(name, .aaaa))
    }

    @Test("Both questions are asked at once and both answers are one result")
    func both() {
        var lookup = begin()
        #expect(lookup.received(addresses6(ttl: 50), server: 0, .udp) == [])
        #expect(lookup.received(addresses4(ttl: 60), server: 0, .udp) == finished(["192.0.2.1", "2001:db8::1"], 50))
    }

    @Test("An IPv4 answer waits a little for the IPv6 one and is kept briefly without it")
    func secondFamily() {
        var lookup = begin()
        #expect(lookup.received(addresses4(ttl: 600), server: 0, .udp) == [.timer(StubLookup.secondFamilyDelay)])
        #expect(lookup.timerFired() == finished(["192.0.2.1"], 30))
        #expect(lookup.received(addresses6(ttl: 1), server: 0, .udp) == [])
        #expect(lookup.timerFired() == [])
    }

    @Test("An IPv6 answer waits for the IPv4 one, which is asked again elsewhere")
    func firstFamily() {
        var lookup = begin(servers: 2)
        #expect(lookup.received(addresses6(ttl: 600), server: 0, .udp) == [])
        #expect(lookup.timerFired() == [.ask(a, server: 1, .udp), .timer(StubLookup.rounds[1])])
        #expect(lookup.timerFired() == [.ask(a, server: 0, .udp), .timer(StubLookup.rounds[2])])
        #expect(lookup.timerFired() == finished(["2001:db8::1"], 30))
    }

    @Test("Silence ends after three rounds that take five seconds together")
    func silence() {
        var lookup = begin(servers: 2)
        for round in 1...2 {
            let server = round % 2
            #expect(
                lookup.timerFired()
                    == [
                        .ask(a, server: server, .udp), .ask(aaaa, server: server, .udp),
                        .timer(StubLookup.rounds[round]),
                    ])
        }
        #expect(lookup.timerFired() == [.finish(TimedResolution(.timedOut, ttl: nil))])
        #expect(StubLookup.rounds.reduce(.zero, +) == .seconds(5))
    }

    @Test("A name that does not exist is absent, with the TTL of the denial")
    func absent() {
        var lookup = begin()
        #expect(lookup.received(denial(of: aaaa), server: 0, .udp) == [])
        #expect(lookup.received(denial(of: a), server: 0, .udp) == [.finish(TimedResolution(.absent, ttl: 120))])
        lookup = begin()
        #expect(lookup.received(denial(of: a), server: 0, .udp) == [.timer(StubLookup.secondFamilyDelay)])
        #expect(lookup.timerFired() == [.finish(TimedResolution(.absent, ttl: 120))])
    }

    @Test("A denial for IPv6 alone does not hide IPv4 addresses")
    func wrongDenial() {
        var lookup = begin()
        #expect(lookup.received(denial(of: aaaa), server: 0, .udp) == [])
        #expect(lookup.received(addresses4(ttl: 60), server: 0, .udp) == finished(["192.0.2.1"], 60))
    }

    @Test("A server that cannot tell is left at once for the next one")
    func serverFailure() {
        var lookup = begin(servers: 2)
        #expect(lookup.received(MessageBuilder(a, code: 2).bytes, server: 0, .udp) == [])
        let next: [StubLookup.Action] = [
            .ask(a, server: 1, .udp), .ask(aaaa, server: 1, .udp), .timer(StubLookup.rounds[1]),
        ]
        #expect(lookup.received(MessageBuilder(aaaa, code: 2).bytes, server: 0, .udp) == next)
        #expect(lookup.lost(nil, server: 0, .udp) == [])
        #expect(lookup.lost(nil, server: 1, .udp).first == .ask(a, server: 0, .udp))
        #expect(lookup.received(MessageBuilder(a, code: 5).bytes, server: 0, .udp) == [])
        #expect(
            lookup.received(MessageBuilder(aaaa, code: 5).bytes, server: 0, .udp)
                == [.finish(TimedResolution(.failed("name server answered with code 5"), ttl: nil))])
    }

    @Test("A failure of one family does not hold up the other")
    func halfFailure() {
        var lookup = begin()
        #expect(lookup.received(MessageBuilder(aaaa, code: 2).bytes, server: 0, .udp) == [])
        #expect(lookup.received(addresses4(ttl: 60), server: 0, .udp) == finished(["192.0.2.1"], 30))
    }

    @Test("A cut answer is asked for again over TCP, once")
    func truncation() {
        var lookup = begin()
        let cut = MessageBuilder(a, flags: 0x8380).bytes
        #expect(lookup.received(cut, server: 0, .udp) == [.ask(a, server: 0, .tcp)])
        #expect(lookup.received(cut, server: 0, .udp) == [])
        #expect(lookup.received(addresses6(ttl: 60), server: 0, .udp) == [])
        #expect(lookup.received(addresses4(ttl: 60), server: 0, .tcp) == finished(["192.0.2.1", "2001:db8::1"], 60))
        lookup = begin()
        _ = lookup.received(addresses6(ttl: 60), server: 0, .udp)
        _ = lookup.received(cut, server: 0, .udp)
        #expect(lookup.lost(aaaa, server: 0, .tcp) == [])
        #expect(lookup.lost(a, server: 0, .tcp).first == .ask(a, server: 0, .udp))
    }

    @Test("A server over TCP is asked over TCP, and one stream's end is not the other's")
    func overTCP() throws {
        var lookup = StubLookup(name, transports: [.tcp], ids: (1, 2))
        #expect(lookup.start().prefix(2) == [.ask(a, server: 0, .tcp), .ask(aaaa, server: 0, .tcp)])
        #expect(lookup.received(addresses6(ttl: 60), server: 0, .tcp) == [])
        #expect(lookup.lost(aaaa, server: 0, .tcp) == [])
        #expect(lookup.received(addresses4(ttl: 60), server: 0, .tcp) == finished(["192.0.2.1", "2001:db8::1"], 60))
    }

    @Test("What is not an answer of ours changes nothing")
    func strangers() {
        var lookup = begin()
        let other = DNSQuery(id: 3, a.question)
        for bytes in [[], MessageBuilder(other).bytes, a.bytes, [UInt8](repeating: 0xff, count: 600)] {
            #expect(lookup.received(bytes, server: 0, .udp) == [])
        }
        #expect(lookup.received(addresses6(ttl: 9), server: 0, .udp) == [])
        #expect(lookup.received(addresses4(ttl: 9), server: 0, .udp) == finished(["192.0.2.1", "2001:db8::1"], 9))
    }

    @Test("Equal ids are told apart")
    func equalIds() {
        var lookup = StubLookup(name, transports: [.udp], ids: (7, 7))
        let ids = lookup.start().compactMap { action -> UInt16? in
            if case .ask(let query, _, _) = action { query.id } else { nil }
        }
        #expect(Set(ids).count == 2)
    }

    private func begin(servers: Int = 1) -> StubLookup {
        var lookup = StubLookup(name, transports: Array(repeating: .udp, count: servers), ids: (1, 2))
        #expect(
            lookup.start() == [.ask(a, server: 0, .udp), .ask(aaaa, server: 0, .udp), .timer(StubLookup.rounds[0])])
        return lookup
    }

    private func addresses4(ttl: UInt32) -> [UInt8] {
        var message = MessageBuilder(a)
        message.address("www.example.com", 192, 0, 2, 1, ttl: ttl)
        return message.bytes
    }

    private func addresses6(ttl: UInt32) -> [UInt8] {
        var message = MessageBuilder(aaaa)
        message.record("www.example.com", 28, ttl: ttl, data: v6)
        return message.bytes
    }

    private func denial(of query: DNSQuery) -> [UInt8] {
        var message = MessageBuilder(query, code: 3)
        message.authority("example.com", ttl: 900, minimum: 120)
        return message.bytes
    }

    private func finished(_ addresses: [String], _ ttl: UInt32) -> [StubLookup.Action] {
        [.finish(TimedResolution(.addresses(addresses.map { IPAddress($0)! }), ttl: ttl))]
    }
}
