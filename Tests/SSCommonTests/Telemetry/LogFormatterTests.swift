import SSCommon
import Testing

@Suite("The lines of the contract")
struct LogFormatterTests {
    @Test("A connection, a failure to authenticate and a blocked target read to the byte as ban engines expect")
    func contractLines() throws {
        let peer = try LogSample.endpoint("203.0.113.9")
        let www = try LogSample.target("www.example.com")
        #expect(
            LogSample.text(LogSample.line(.text, .connecting(www, peer: peer)))
                == "2026-11-21 02:50:01 INFO     connecting www.example.com:443 from 203.0.113.9:51234\n")
        let refused =
            "2026-11-21 02:50:01 ERROR    can not parse header when handling connection from 203.0.113.9:51234\n"
        #expect(LogSample.text(LogSample.line(.text, .unauthenticated(peer: peer, .cipher))) == refused)
        #expect(LogSample.text(LogSample.line(.text, .unauthenticated(peer: peer, .replay))) == refused)
        let blocked = RelayEvent.blocked(
            try LogSample.target("ads.example.net"), peer: peer, rule: "||example.net^", source: "lists/ads.txt:12")
        #expect(
            LogSample.text(LogSample.line(.text, blocked))
                == "2026-11-21 02:50:01 WARNING  blocked ads.example.net:443 from 203.0.113.9:51234 "
                + "rule ||example.net^ (lists/ads.txt:12)\n")
    }

    @Test("logfmt and JSON carry the same events with a status word")
    func fields() throws {
        let peer = try LogSample.endpoint("203.0.113.9")
        let www = try LogSample.target("www.example.com")
        #expect(
            LogSample.text(LogSample.line(.logfmt, .connecting(www, peer: peer)))
                == "time=2026-11-21T02:50:01+01:00 level=info msg=connecting target=www.example.com:443 "
                + "peer=203.0.113.9:51234 status=OK\n")
        #expect(
            LogSample.text(LogSample.line(.json, .unauthenticated(peer: peer, .replay)))
                == #"{"time":"2026-11-21T02:50:01+01:00","level":"error","msg":"unauthenticated","#
                + #""peer":"203.0.113.9:51234","status":"ERR_REPLAY"}"# + "\n")
        let blocked = RelayEvent.blocked(www, peer: peer, rule: "||a b^", source: "l.txt:1")
        #expect(
            LogSample.text(LogSample.line(.logfmt, blocked))
                == "time=2026-11-21T02:50:01+01:00 level=warning msg=blocked target=www.example.com:443 "
                + #"peer=203.0.113.9:51234 rule="||a b^" source=l.txt:1 status=ERR_BLOCKED"# + "\n")
        #expect(
            LogSample.text(LogSample.line(.json, blocked))
                == #"{"time":"2026-11-21T02:50:01+01:00","level":"warning","msg":"blocked","#
                + #""target":"www.example.com:443","peer":"203.0.113.9:51234","rule":"||a b^","#
                + #""source":"l.txt:1","status":"ERR_BLOCKED"}"# + "\n")
    }

    @Test("The journal gets a priority and no time of ours")
    func journal() throws {
        let peer = try LogSample.endpoint("203.0.113.9")
        #expect(
            LogSample.text(LogSample.line(.text, .connecting(try LogSample.target("h"), peer: peer), isJournal: true))
                == "<6>INFO     connecting h:443 from 203.0.113.9:51234\n")
        #expect(
            LogSample.text(LogSample.line(.logfmt, .unauthenticated(peer: peer, .cipher), isJournal: true))
                == "<3>level=error msg=unauthenticated peer=203.0.113.9:51234 status=ERR_CIPHER\n")
        #expect(
            LogSample.text(LogSample.line(.json, .unauthenticated(peer: peer, .cipher), isJournal: true))
                == #"<3>{"level":"error","msg":"unauthenticated","peer":"203.0.113.9:51234","status":"ERR_CIPHER"}"#
                + "\n")
    }

    @Test(
        "Addresses in a line read as their descriptions, IPv6 peers in brackets",
        arguments: [
            "0.0.0.0", "255.255.255.255", "10.0.200.7", "::", "::1", "1::", "2001:db8::1", "2001:db8:0:0:1:0:0:1",
            "1:2:3:4:5:6:7:8", "0:1:0:1:0:1:0:1", "1:0:0:2:0:0:0:3", "fe80::abcd:ef01:2345:6789", "0:0:1:2:3:4:5:6",
            "1:2:3:4:5:6::", "64:ff9b::192.0.2.1", "1:0:2:3:4:5:6:7", "0:1:2:3:4:5:6:7",
        ])
    func addresses(host: String) throws {
        let peer = try LogSample.endpoint(host, 65535)
        let www = try LogSample.target(host, 0)
        #expect(
            LogSample.text(LogSample.line(.text, .connecting(www, peer: peer))).hasSuffix(
                "connecting \(www) from \(peer)\n"))
    }

    @Test("An IPv4-mapped peer is the IPv4 host it stands for")
    func mappedPeer() throws {
        let peer = try LogSample.endpoint("::ffff:203.0.113.9")
        #expect(
            LogSample.text(LogSample.line(.text, .unauthenticated(peer: peer, .cipher)))
                .hasSuffix("handling connection from 203.0.113.9:51234\n"))
    }

    @Test("A general line is a constant message and fields")
    func general() {
        #expect(
            LogSample.text(
                LogSample.line(
                    .text, .warning, "cannot reach the server", [("server", "198.51.100.4:8388"), ("error", "no way")]))
                == "2026-11-21 02:50:01 WARNING  cannot reach the server server=198.51.100.4:8388 error=\"no way\"\n")
        #expect(
            LogSample.text(LogSample.line(.logfmt, .debug, "started", [("time", "1"), ("", ""), ("a b=\"", "x=y")]))
                == "time=2026-11-21T02:50:01+01:00 level=debug msg=started time_=1 _=\"\" a_b__=\"x=y\"\n")
        #expect(
            LogSample.text(LogSample.line(.json, .trace, "say \"hello\"", [("path", "/tmp/Ärger"), ("msg", "m")]))
                == #"{"time":"2026-11-21T02:50:01+01:00","level":"trace","msg":"say \"hello\"","#
                + #""path":"/tmp/Ärger","msg_":"m"}"# + "\n")
    }

    @Test("The time is written anew when the second or the zone changes, and only then")
    func stamp() throws {
        var formatter = LogFormatter(format: .text)
        var bytes: [UInt8] = []
        for offset in [0, 0, 1, -1] as [Int64] {
            formatter.append(.info, "x", at: LogTime(seconds: 1_795_225_801 + offset), to: &bytes)
        }
        formatter.append(.info, "x", at: LogTime(seconds: 1_795_225_800, offset: -5400), to: &bytes)
        #expect(
            LogSample.text(bytes).split(separator: "\n").map { $0.prefix(19) } == [
                "2026-11-21 01:50:01", "2026-11-21 01:50:01", "2026-11-21 01:50:02", "2026-11-21 01:50:00",
                "2026-11-21 00:20:00",
            ])
    }

    @Test(
        "Dates are right at the edges of the calendar",
        arguments: [
            (0, 0, "1970-01-01T00:00:00Z"), (-1, 0, "1969-12-31T23:59:59Z"), (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (951_868_799, 3600, "2000-03-01T00:59:59+01:00"), (4_107_542_399, 0, "2100-02-28T23:59:59Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00Z"), (1_798_761_599, 0, "2026-12-31T23:59:59Z"),
            (1_709_164_800, -16200, "2024-02-28T19:30:00-04:30"), (Int64.max, 3600, "1970-01-01T00:00:00+01:00"),
            (Int64.max - 5000, 0, "9999-12-31T23:59:59Z"), (Int64.min, 0, "0000-01-01T00:00:00Z"),
        ] as [(Int64, Int32, String)])
    func dates(seconds: Int64, offset: Int32, expected: String) {
        var formatter = LogFormatter(format: .logfmt)
        var bytes: [UInt8] = []
        formatter.append(.info, "x", at: LogTime(seconds: seconds, offset: offset), to: &bytes)
        #expect(LogSample.text(bytes) == "time=\(expected) level=info msg=x\n")
    }

    @Test("Levels are known by their names and by the aliases of other programs")
    func levelNames() {
        #expect(LogLevel.allCases.allSatisfy { LogLevel(name: "\($0.name)") == $0 })
        #expect(LogLevel(name: "WARN") == .warning)
        #expect(LogLevel(name: "verbose") == nil)
        #expect(LogLevel.allCases.sorted() == LogLevel.allCases)
    }

    @Test("Every status has a word of its own that needs no quotes anywhere")
    func statusWords() {
        let words = ConnectionStatus.allCases.map(\.description)
        #expect(Set(words).count == words.count)
        #expect(words.allSatisfy { $0.allSatisfy { $0.isUppercase || $0 == "_" } })
        #expect(ConnectionStatus.allCases.map(\.rawValue) == Array(0..<words.count))
    }
}
