import SSCommon
import Testing

@testable import SSServerCore

@Suite("What a log line says of whom")
struct LogLineReaderTests {
    private func event(_ line: String) -> LogLineReader.Event? {
        var reader = LogLineReader(year: 2026)
        return reader.event(Array(line.utf8).span.bytes)
    }

    private func source(_ text: String) throws -> BanSource { BanSource(try #require(IPAddress(text))) }

    @Test(
        "Those who did not authenticate, in the words of every program",
        arguments: [
            "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from 203.0.113.9:51234",
            "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from 203.0.113.9:51234\r",
            "<3>ERROR    can not parse header when handling connection from 203.0.113.9:51234",
            "ERROR    can not parse header when handling connection from 203.0.113.9:51234",
            "2015-04-07 16:42:26 ERROR    tcprelay.py:1093 can not parse header when handling connection from ::ffff:203.0.113.9:64531",
            "ERROR:root:can not parse header when handling connection from 203.0.113.9:1",
            "2015-04-07 16:42:26,123 ERROR    can not parse header when handling connection from 203.0.113.9:1",
            "Nov 21 02:50:02 vps ssserver[123]: ERROR    can not parse header when handling connection from 203.0.113.9:1",
            "Nov  1 02:50:02 vps ssserver[123]: can not parse header when handling connection from 203.0.113.9:1",
            "can not parse header when handling connection from [::ffff:203.0.113.9]:1",
            "time=2026-11-21T02:50:02Z level=error msg=unauthenticated peer=203.0.113.9:51234 status=ERR_CIPHER",
            "time=2026-11-21T02:50:02+01:00 level=error msg=unauthenticated peer=203.0.113.9:51234 status=ERR_REPLAY",
            "<3>level=error msg=unauthenticated peer=203.0.113.9:51234 status=ERR_REPLAY",
            "Nov 21 02:50:02 vps ssserver[1]: level=error msg=unauthenticated peer=203.0.113.9:51234 status=ERR_REPLAY",
            #"Nov 21 02:50:02 vps ssserver[1]: {"level":"error","msg":"unauthenticated","peer":"203.0.113.9:1","status":"ERR_REPLAY"}"#,
            #"{"time":"2026-11-21T02:50:02Z","level":"error","msg":"unauthenticated","peer":"203.0.113.9:51234","status":"ERR_CIPHER"}"#,
            #"{"level":"error","msg":"unauthenticated","peer":"203.0.113.9:51234","status":"ERR_REPLAY"}"#,
            " 2017-12-01 10:20:30 ERROR: failed to handshake with 203.0.113.9: authentication error",
            "Dec  1 10:20:30 vps ss-server[123]: failed to handshake with 203.0.113.9: invalid host name length",
            "2021-01-01T10:20:30.123456+08:00 WARN  tcp handshake failed. peer: 203.0.113.9:51234, decrypt error",
            "2021-01-01T10:20:30Z WARN [shadowsocks_service::server::tcprelay] tcp handshake failed. peer: 203.0.113.9:5, x",
            "[2021-01-01T10:20:30Z WARN  shadowsocks_service::server::tcprelay] tcp handshake failed. peer: 203.0.113.9:5, x",
        ])
    func bad(_ line: String) throws {
        #expect(event(line) == .bad(try source("203.0.113.9")))
    }

    @Test(
        "Those who did",
        arguments: [
            "2026-11-21 02:50:01 INFO     connecting www.example.com:443 from 203.0.113.9:51234",
            "2026-11-21 02:50:01 INFO     connecting [2001:db8::1]:443 from 203.0.113.9:51234",
            "<6>INFO     connecting www.example.com:443 from 203.0.113.9:51234",
            "2015-04-07 16:42:26 INFO     tcprelay.py:12 connecting www.example.com:443 from 203.0.113.9:51234",
            "2015-04-07 16:42:26 INFO     connecting a name with spaces:443 from 203.0.113.9:51234",
            "time=2026-11-21T02:50:01Z level=info msg=connecting target=www.example.com:443 peer=203.0.113.9:51234 status=OK",
            #"time=2026-11-21T02:50:01Z level=info msg=connecting target="a\\x20peer=1.2.3.4:5:1" peer=203.0.113.9:51234 status=OK"#,
            #"{"time":"2026-11-21T02:50:01Z","level":"info","msg":"connecting","target":"a:1","peer":"203.0.113.9:1","status":"OK"}"#,
            "Nov 21 02:50:02 host ssserver[1]: connecting www.example.com:443 from 203.0.113.9:51234",
            "Nov 21 02:50:02 host ss-server: INFO connecting www.example.com:443 from 203.0.113.9:51234",
            "Nov 21 02:50:02 host shadowsocks-rust.ssserver[1]: INFO connecting a:443 from 203.0.113.9:51234",
            "Tue Nov 24 03:04:05 2026 INFO connecting a:443 from 203.0.113.9:51234",
            "2026-11-24 03:04:05 CEST INFO connecting a:443 from 203.0.113.9:51234",
            "[ 1234.567890] host ssserver[1]: connecting a:443 from 203.0.113.9:51234",
            "Nov 21 02:50:02 host daemon.info ss-server[1]: connecting a:443 from 203.0.113.9:51234",
            "2021-01-01T10:20:30Z DEBUG established tcp tunnel 203.0.113.9:5 <-> example.com:443 with ConnectOpts",
        ])
    func good(_ line: String) throws {
        #expect(event(line) == .good(try source("203.0.113.9")))
    }

    @Test(
        "Host names, and whatever else is foreign in a line, ban nobody",
        arguments: [
            "2026-11-21 02:50:01 INFO     connecting can not parse header when handling connection from 198.51.100.7:1",
            "2026-11-21 02:50:01 INFO     connecting x ERROR    can not parse header when handling connection:443 from 198.51.100.7:1",
            "2026-11-21 02:50:01 INFO     connecting x:443 from 203.0.113.9:5 ERROR can not parse header when handling connection from 198.51.100.7:1",
            "2026-11-21 02:50:03 WARNING  blocked a.example:443 from 203.0.113.9:51234 rule can not parse header when handling connection from 198.51.100.7:1",
            "2026-11-21 02:50:03 WARNING  blocked a.example:443 from 203.0.113.9:51234 rule ||example.net^ (lists/ads.txt:12)",
            "2026-11-21 02:50:03 DEBUG    target not reached target=x error=can not parse header when handling connection from 198.51.100.7:1",
            "2026-11-21 02:50:03 INFO     connect to failed to handshake with 198.51.100.7: authentication error",
            "2017-12-01 10:20:30 INFO: connect to failed to handshake with 198.51.100.7: authentication error:443",
            "2021-01-01T10:20:30Z DEBUG established tcp tunnel 203.0.113.9:5 <-> x tcp handshake failed. peer: 198.51.100.7:5, x",
            "2021-01-01T10:20:30Z WARN  relay error tcp handshake failed. peer: 198.51.100.7:5, x",
            #"time=2026-11-21T02:50:01Z level=info msg=connecting target="x level=error msg=unauthenticated peer=198.51.100.7:1 status=ERR_CIPHER" peer=203.0.113.9:5 status=OK"#,
            "time=2026-11-21T02:50:01Z level=warn msg=x error=level=error msg=unauthenticated peer=198.51.100.7:1 status=ERR_CIPHER",
            #"{"time":"2026-11-21T02:50:01Z","level":"info","msg":"connecting","target":"\",\"level\":\"error\",\"msg\":\"unauthenticated\",\"peer\":\"198.51.100.7:1\",\"status\":\"ERR_CIPHER\"}"#,
        ])
    func injection(_ line: String) throws {
        let event = event(line)
        #expect(event != .bad(try source("198.51.100.7")))
        if case .bad = event { Issue.record("\(line)") }
    }

    @Test(
        "What is no whole line of one of these says nothing",
        arguments: [
            "", "\r", " ", "from 1.2.3.4:5", "can not parse header when handling connection from ",
            "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from 203.0.113.9",
            "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from 203.0.113.9:123456",
            "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from 203.0.113.09:1",
            "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from 203.0.113.256:1",
            "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from 0x7f.1:1",
            "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from [2001:db8::1:1",
            "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from localhost:1",
            "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from 203.0.113.9:51234 ",
            "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from 203.0.113.9:51234 x",
            "2026-11-21 02:50:02 INFO     can not parse header when handling connection from 203.0.113.9:51234x",
            "time=2026-11-21T02:50:02Z level=error msg=unauthenticated peer=203.0.113.9:51234 status=ERR_HEADER",
            "time=2026-11-21T02:50:02Z level=error msg=unauthenticated peer=203.0.113.9:51234 status=ERR_CIPHER x",
            " 2017-12-01 10:20:30 ERROR: failed to handshake with 203.0.113.9: some other reason",
            "Nov 21 02:50:02 host web[12]: can not parse header when handling connection from 203.0.113.9:51234",
            "Nov 21 02:50:02 host express-server[12]: ERROR: can not parse header when handling connection from 203.0.113.9:51234",
            "<34>1 2026-11-21T02:50:01Z host nginx 12 ID47 - ERROR can not parse header when handling connection from 203.0.113.9:51234",
            "<38>1 2026-11-22T03:04:05Z host sshd 123 - - python: can not parse header when handling connection from 203.0.113.9:4",
            "2026-11-22T03:04:05Z host nginx python: can not parse header when handling connection from 203.0.113.9:4",
            "2026-11-21T02:50:01+00:00 host nginx ERROR can not parse header when handling connection from 203.0.113.9:51234",
            "Nov 21 02:50:02 host sshd: ERROR can not parse header when handling connection from 203.0.113.9:51234",
            "Nov 21 02:50:02 host shadowsocks-panel[1]: failed to handshake with 203.0.113.9: authentication error",
            "Nov 21 02:50:02 host my-shadowsocks[1]: failed to handshake with 203.0.113.9: authentication error",
            "Nov 21 02:50:02 host nginx/ssserver[1]: failed to handshake with 203.0.113.9: authentication error",
            "Nov 21 02:50:02 host python3[1]: failed to handshake with 203.0.113.9: authentication error",
            "Nov 21 02:50:02 host 0123456789ab[1]: failed to handshake with 203.0.113.9: authentication error",
            // Anybody can send a datagram in another's name.
            "2021-01-01T10:20:30Z WARN  udp relay 203.0.113.9:51234 <- ..., decrypt failed",
            "2021-01-01T10:20:30Z WARN  udp handshake failed. peer: 203.0.113.9:51234, decrypt error",
            "2015-04-07 16:42:26 ERROR    udprelay.py:97 can not parse header when handling datagram from 203.0.113.9:1",
            " 2017-12-01 10:20:30 ERROR: [udp] server_recv: authentication error from 203.0.113.9",
            "{}", "{\"time\":\"", "}",
        ])
    func nothing(_ line: String) { #expect(event(line) == nil) }

    @Test("Programs that somebody names count too, and no others", arguments: ["python3", "0123456789ab"])
    func named(_ program: String) throws {
        var reader = LogLineReader(year: 2026, programs: ["python3", "0123456789ab"])
        func line(_ name: String) -> [UInt8] {
            Array("Nov 21 02:50:02 host \(name)[1]: failed to handshake with 203.0.113.9: authentication error".utf8)
        }
        let known = reader.event(line(program).span.bytes)
        #expect(known == .bad(try source("203.0.113.9")))
        for name in ["\(program)x", "x\(program)", "\(program)/x", String(program.dropLast())] {
            let other = reader.event(line(name).span.bytes)
            #expect(other == nil)
        }
    }

    @Test(
        "Times without a year are not later than tomorrow",
        arguments: [
            ("Nov 23 02:50:02", "2026-11-23T02:50:02"), ("Nov 24 02:50:02", "2026-11-24T02:50:02"),
            ("Nov 25 02:50:02", "2025-11-25T02:50:02"), ("Dec 31 02:50:02", "2025-12-31T02:50:02"),
            ("Jan  1 02:50:02", "2026-01-01T02:50:02"),
        ])
    func yearless(_ text: String, _ expected: String) {
        // 2026-11-23T03:00:00
        var reader = LogLineReader(year: LogYear(now: 1_795_402_800))
        let line = Array("\(text) host ssserver[1]: x".utf8)
        let stamp = reader.stamp(line.span.bytes)
        #expect(stamp?.description == expected)
    }

    @Test("A year begins tomorrow", arguments: 1970...2400)
    func newYear(_ year: Int64) throws {
        let text = Array("\(year)-12-31 12:00:00 x".utf8)
        var dated = LogLineReader(year: 2026)
        let last = dated.stamp(text.span.bytes)
        var reader = LogLineReader(year: LogYear(now: try #require(last).seconds))
        let stamps = ["Dec 31 23:00:00 x", "Jan  1 11:00:00 x", "Jan  1 13:00:00 x"].map { line in
            reader.stamp(Array(line.utf8).span.bytes)?.description
        }
        #expect(
            stamps == ["\(year)-12-31T23:00:00", "\(year + 1)-01-01T11:00:00", "\(year)-01-01T13:00:00"])
    }

    @Test(
        "IPv6 sources are their /64, with brackets or without",
        arguments: [
            "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from [2001:db8:1:2::9]:51234",
            "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from 2001:db8:1:2:a:b:c:d:51234",
            " 2017-12-01 10:20:30 ERROR: failed to handshake with 2001:db8:1:2::9: authentication error",
        ])
    func ipv6(_ line: String) {
        guard case .bad(let source) = event(line) else {
            Issue.record("nothing in \(line)")
            return
        }
        #expect("\(source)" == "2001:db8:1:2::/64")
    }

    @Test("Cut anywhere, or with any byte changed, a line says the same or less, and traps nothing")
    func broken() throws {
        let line = Array(
            "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from 203.0.113.9:51234".utf8)
        var reader = LogLineReader(year: 2026)
        for count in 0..<line.count {
            let start = reader.event(Array(line[..<count]).span.bytes)
            // A port loses digits, and with them nothing.
            #expect(start == nil || count > line.count - 5)
            _ = reader.stamp(Array(line[..<count]).span.bytes)
        }
        var random = SplitMix(3)
        for _ in 0..<20_000 {
            var changed = line
            changed[Int.random(in: 0..<line.count, using: &random)] = .random(in: .min ... .max, using: &random)
            _ = reader.event(changed.span.bytes)
            _ = reader.stamp(changed.span.bytes)
        }
    }

    @Test("Our own lines are read as they are written", arguments: LogFormat.allCases, [false, true])
    func own(_ format: LogFormat, isJournal: Bool) throws {
        var formatter = LogFormatter(format: format, isJournal: isJournal)
        var reader = LogLineReader(year: 2026)
        let hostile = HostName(Array("a\n can not parse header when handling connection from 1.2.3.4:5 \"".utf8))
        for (address, shown) in [
            ("203.0.113.9", "203.0.113.9"), ("2001:db8::1", "2001:db8::/64"), ("::ffff:1.2.3.4", "1.2.3.4"),
        ] {
            let peer = Endpoint(try #require(IPAddress(address)), 51234)
            let source = BanSource(peer.address)
            #expect("\(source)" == shown)
            let events: [(RelayEvent, LogLineReader.Event?)] = [
                (.unauthenticated(peer: peer, .cipher), .bad(source)),
                (.unauthenticated(peer: peer, .replay), .bad(source)),
                (.connecting(TargetAddress(.name(try #require(hostile)), port: 443), peer: peer), .good(source)),
                (.connecting(TargetAddress(.ip(try #require(IPAddress("::1"))), port: 443), peer: peer), .good(source)),
                (
                    .blocked(
                        TargetAddress(.name(try #require(hostile)), port: 443), peer: peer, rule: "x",
                        source: "from 1.2.3.4:5"), nil
                ),
            ]
            for (event, meaning) in events {
                var line: [UInt8] = []
                let time = LogTime(seconds: 1_700_000_000, offset: 3600)
                formatter.append(event, at: time, to: &line)
                #expect(
                    reader.event(line.span.bytes.extracting(0..<line.count - 1)) == meaning,
                    "\(String(decoding: line, as: UTF8.self))")
                guard !isJournal else { continue }
                let stamp = reader.stamp(line.span.bytes)
                #expect(stamp?.description == (format == .text ? "2023-11-14T23:13:20" : "2023-11-14T23:13:20+01:00"))
            }
        }
    }

    @Test(
        "Times in all spellings",
        arguments: [
            ("2026-11-21 02:50:02 x", "2026-11-21T02:50:02"), ("2026-11-21 02:50:02,123 x", "2026-11-21T02:50:02"),
            (" 2026-02-28 23:59:59 x", "2026-02-28T23:59:59"), ("2024-02-29 00:00:00", "2024-02-29T00:00:00"),
            ("[2021-01-01T10:20:30.5Z x", "2021-01-01T10:20:30Z"),
            ("2021-01-01T10:20:30-05:30 x", "2021-01-01T10:20:30-05:30"),
            ("Nov 21 02:50:02 x", "2026-11-21T02:50:02"), ("Nov  1 02:50:02 x", "2026-11-01T02:50:02"),
            ("time=2026-11-21T02:50:02Z x", "2026-11-21T02:50:02Z"),
            (#"{"time":"2026-11-21T02:50:02Z""#, "2026-11-21T02:50:02Z"),
        ])
    func stamps(_ line: String, _ text: String) {
        var reader = LogLineReader(year: 2026)
        #expect(reader.stamp(Array(line.utf8).span.bytes)?.description == text)
    }

    @Test(
        "What is no time is none",
        arguments: [
            "", "x", "2026-13-21 02:50:02", "2026-11-21 24:50:02", "2026-11-2102:50:02x", "Nox 21 02:50:02", "Nov 21",
            "2026-11-21 02:50",
        ])
    func noStamp(_ line: String) {
        var reader = LogLineReader(year: 2026)
        #expect(reader.stamp(Array(line.utf8).span.bytes) == nil)
    }
}
