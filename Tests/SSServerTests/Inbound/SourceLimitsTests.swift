import SSCommon
import Testing

@testable import ssserver

@Suite("How much one source may take")
struct SourceLimitsTests {
    private static func limits(streams: Int = 100, perSource: Int = 3, waiting: Int = 2) -> SourceLimits {
        var limits = ConnectionLimits()
        limits.streams = streams
        limits.streamsPerSource = perSource
        limits.waitingPerSource = waiting
        return SourceLimits(limits)
    }

    private static func source(_ text: String) -> SourceLimits.Source? {
        guard case .ip(let address)? = TargetAddress(host: text, port: 1)?.host else { return nil }
        return SourceLimits.Source(address)
    }

    @Test("The defaults are those that were promised")
    func defaults() {
        let limits = ConnectionLimits()
        #expect(limits.streams == 16_384 && limits.streamsPerSource == 512 && limits.waitingPerSource == 64)
    }

    @Test("An IPv4 address is a source however it is written, and so is an IPv6 network of 64 bits")
    func sources() {
        #expect(Self.source("192.0.2.1") == Self.source("::ffff:192.0.2.1"))
        #expect(Self.source("192.0.2.1") != Self.source("192.0.2.2"))
        #expect(Self.source("2001:db8::1") == Self.source("2001:db8::ffff:ffff:ffff:ffff"))
        #expect(Self.source("2001:db8::1") != Self.source("2001:db8:0:1::1"))
        #expect(Self.source("2001:db8::1") != nil && Self.source("0.0.0.0") != nil)
    }

    @Test("Loopback is no source", arguments: ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"])
    func loopback(text: String) {
        #expect(Self.source(text) == nil)
        let limits = Self.limits(streams: 5)
        for _ in 0..<10 { #expect(!limits.waits(nil)) }
        for _ in 0..<5 { #expect(limits.openStream(nil)) }
        #expect(!limits.openStream(nil), "in all there are no more for it either")
        for _ in 0..<10 { limits.waitsNoMore(nil) }
        for _ in 0..<5 { limits.closeStream(nil) }
        #expect(limits.counts == (0, 0))
    }

    @Test("Streams beyond a source's number are refused, others' are not, and room comes back")
    func streams() {
        let limits = Self.limits(streams: 5)
        let (a, b) = (Self.source("192.0.2.1"), Self.source("2001:db8::1"))
        for _ in 0..<3 { #expect(limits.openStream(a)) }
        #expect(!limits.openStream(a))
        for _ in 0..<2 { #expect(limits.openStream(b)) }
        #expect(!limits.openStream(b), "five are open in all")
        #expect(limits.counts == (5, 2))
        limits.closeStream(a)
        #expect(limits.openStream(b))
        #expect(!limits.openStream(b))
        for _ in 0..<2 { limits.closeStream(a) }
        for _ in 0..<3 { limits.closeStream(b) }
        #expect(limits.counts == (0, 0))
    }

    @Test("Whoever waits beyond a source's number is told, and is counted until it waits no more")
    func waiting() {
        let limits = Self.limits()
        let a = Self.source("192.0.2.1")
        #expect((0..<4).map { _ in limits.waits(a) } == [false, false, true, true])
        #expect(!limits.waits(Self.source("192.0.2.2")))
        #expect(limits.openStream(a), "waiting is not streaming")
        for _ in 0..<4 { limits.waitsNoMore(a) }
        limits.waitsNoMore(Self.source("192.0.2.2"))
        #expect(limits.counts == (1, 1))
        limits.closeStream(a)
        #expect(limits.counts == (0, 0))
    }

    @Test("On all threads at once there are never too many, and nothing is left over")
    func concurrent() async {
        let limits = Self.limits(streams: 20, perSource: 5, waiting: 3)
        let sources = (0..<6).map { SourceLimits.Source.v4($0) } + [nil]
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var granted = 0
                    for _ in 0..<3_000 {
                        let source = sources.randomElement()!
                        _ = limits.waits(source)
                        if limits.openStream(source) {
                            granted += 1
                            #expect(limits.counts.streams <= 20)
                            limits.closeStream(source)
                        }
                        limits.waitsNoMore(source)
                    }
                    return granted
                }
            }
            #expect(await group.reduce(0, +) > 0)
        }
        #expect(limits.counts == (0, 0))
    }
}
