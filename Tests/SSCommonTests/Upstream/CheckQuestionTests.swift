import SSCommon
import Testing

@Suite("What a check asks")
struct CheckQuestionTests {
    private var random = SplitMix(state: 3)

    @Test(
        "What the traffic began with shows what its target answers",
        arguments: [
            ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}", .tls), ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{2}", nil),
            ("\u{16}\u{3}\u{1}", nil),
            ("GET / HTTP/1.1\r\n", .http), ("POST /x", .http), ("HEAD /", .http), ("GETX", nil), ("", nil),
            ("SSH-2.0-x", .wait), ("SSH-1", nil), ("\u{0}", nil),
        ] as [(String, CheckQuestion?)])
    func sniffed(text: String, expected: CheckQuestion?) {
        let bytes = Array(text.unicodeScalars.map { UInt8($0.value) })
        #expect(CheckQuestion(firstBytes: bytes.span.bytes) == expected)
    }

    @Test("The hello is whole, names the host, and is different each time")
    func hello() throws {
        var random = random
        let target = try #require(TargetAddress(host: "www.example.com", port: 443))
        let bytes = CheckQuestion.tls.bytes(for: target, random: &random)
        // Record, handshake message, and their lengths.
        #expect(bytes.prefix(3) == [0x16, 3, 1])
        #expect(Int(bytes[3]) << 8 | Int(bytes[4]) == bytes.count - 5)
        #expect(bytes[5] == 1 && Int(bytes[7]) << 8 | Int(bytes[8]) == bytes.count - 9)
        let name = Array("www.example.com".utf8)
        #expect(bytes.indices.contains { bytes[$0...].starts(with: [0, 0, 15] + name) })
        #expect(CheckQuestion.tls.bytes(for: target, random: &random) != bytes)
        // It would be taken for what it is.
        #expect(CheckQuestion(firstBytes: bytes.span.bytes) == .tls)
        let address = try #require(TargetAddress(host: "192.0.2.1", port: 443))
        #expect(CheckQuestion.tls.bytes(for: address, random: &random).count == bytes.count - 24)
    }

    @Test("The request asks for the head of the first page")
    func http() throws {
        var random = random
        for (host, port, authority) in [
            ("www.example.com", 80, "www.example.com"), ("a.example", 8080, "a.example:8080"),
            ("2001:db8::1", 80, "[2001:db8::1]"),
        ] as [(String, UInt16, String)] {
            let target = try #require(TargetAddress(host: host, port: port))
            #expect(
                CheckQuestion.http.bytes(for: target, random: &random)
                    == Array("HEAD / HTTP/1.1\r\nHost: \(authority)\r\nConnection: close\r\n\r\n".utf8))
            #expect(CheckQuestion.wait.bytes(for: target, random: &random).isEmpty)
        }
    }

    @Test("Recent targets are few, forgotten after minutes, and none that only one server may reach")
    func recent() throws {
        var random = random
        var targets = RecentTargets()
        let now = ContinuousClock.now
        for host in ["10.1.2.3", "127.0.0.1", "192.168.1.1", "::1", "fd00::1", "169.254.1.1", "100.64.0.1", "a\r\nb"] {
            targets.answered(try #require(TargetAddress(host: host, port: 80)), .http, now: now)
        }
        #expect(targets.count == 0)
        #expect(targets.pick(now: now, random: &random) == nil)
        for number in 0..<1000 {
            targets.answered(try #require(TargetAddress(host: "h\(number % 20).example", port: 80)), .http, now: now)
        }
        targets.answered(try #require(TargetAddress(host: "8.8.8.8", port: 80)), .http, now: now)
        #expect(targets.count == 8)
        let target = try #require(targets.pick(now: now, random: &random))
        targets.failed(target)
        #expect(targets.count == 7)
        #expect(targets.pick(now: now + .seconds(1201), random: &random) == nil)
        #expect(targets.count == 0)
    }
}
