// The two lines of the log that other people's tools parse (contract.md, "The log"), and its other formats.
import Foundation
import Testing

extension ProcessUnderTest {
    /// The log's lines about connections that did not authenticate.
    var refusals: [String] { errorLines.filter { $0.contains("can not parse header") } }
}

extension EndToEnd {
    @Suite struct LogTests {
        @Test func `a stranger's line is exactly the contract's, once each, and an empty visit has none`() throws {
            try needs(Pair.underTest.server.writesContractLog, "its own log")
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let server = try #require(running.server)
                var expected: Set<String> = []
                var probes: [Socket] = []
                for index in 0..<20 {
                    let socket = try Socket.connected(to: running.serverEndpoint)
                    expected.insert("can not parse header when handling connection from \(socket.localEndpoint)")
                    try socket.send(Probe.random(100 + 50 * index))
                    probes.append(socket)
                }
                for _ in 0..<5 { try Socket.connected(to: running.serverEndpoint).close() }
                let echo = try stage.echoOrigin()
                let genuine = try SOCKSClient.tunnel(via: running.front, to: Target(echo.endpoint))
                try genuine.send("x")
                _ = try genuine.receive(exactly: 1)
                genuine.close()
                #expect(eventually(3) { server.refusals.count >= 20 })
                probes.forEach { $0.close() }
                pause(0.3)
                let form = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ERROR    (can not parse header .*)$/
                let lines = server.refusals
                for line in lines { #expect(line.wholeMatch(of: form) != nil, "\(line)") }
                let said = lines.compactMap { $0.wholeMatch(of: form).map { String($0.1) } }
                #expect(said.count == 20, "one line each")
                #expect(Set(said) == expected)
            }
        }

        @Test func `a stranger too short to be judged has its line when it leaves`() throws {
            try needs(Pair.underTest.server.writesContractLog, "its own log")
            try onStage { stage in
                var options = PairOptions()
                options.startsClient = false
                let running = try stage.run(Pair.underTest, options)
                for size in [1, 10, 49] {
                    let socket = try Socket.connected(to: running.serverEndpoint)
                    try socket.send(Probe.random(size))
                    socket.finish()
                    _ = socket.observe(for: 1)
                }
                pause(0.3)
                let lines = running.server?.refusals ?? []
                #expect(lines.count == 3, "the first bytes of each did not authenticate: \(lines)")
            }
        }

        @Test func `a connection's line names target and client`() throws {
            try needs(Pair.underTest.server.writesContractLog, "its own log")
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let echo = try stage.echoOrigin()
                let port = echo.endpoint.port
                for target in [Target(echo.endpoint), .name("localhost", port)] {
                    let socket = try SOCKSClient.tunnel(via: running.front, to: target)
                    try socket.send("x")
                    _ = try socket.receive(exactly: 1)
                    let form = try Regex(
                        #"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INFO     connecting \#(target) from 127\.0\.0\.1:\d+"#)
                    let found = running.server?.waitForLine { $0.wholeMatch(of: form) != nil }
                    #expect(found == true, "\(target): \(running.server?.tail ?? "")")
                }
            }
        }

        @Test func `clients of a dual-stack port are written as IPv4 and as bracketed IPv6`() throws {
            try needs(Pair.underTest.server.writesContractLog, "its own log")
            try onStage { stage in
                var options = PairOptions()
                options.startsClient = false
                options.serverKeys = { ["server": "::"] }
                let running = try stage.run(Pair.underTest, options)
                for host in ["127.0.0.1", "::1"] {
                    let socket = try Socket.connected(to: Endpoint(host, running.serverPort))
                    try socket.send(Probe.random(300))
                    let found = running.server?.waitForLine { $0.hasSuffix(" from \(socket.localEndpoint)") }
                    #expect(found == true, "\(socket.localEndpoint): \(running.server?.tail ?? "")")
                }
            }
        }

        @Test func `foreign text cannot break a line`() throws {
            try needs(Pair.underTest.server.writesContractLog, "its own log")
            try onStage { stage in
                // libev's client passes any name on; ours may refuse it.
                let others = try stage.run(Pair(client: .libev, server: Pair.underTest.server))
                let ours = try stage.run(Pair.underTest)
                let forged = "a\r\n2026-11-21 02:50:01 ERROR    forged\u{1b}[2J\u{2028}b"
                for running in [others, ours] {
                    let socket = try? SOCKSClient.tunnel(via: running.front, to: .name(forged, 80))
                    try? socket?.send("x")
                }
                pause(0.5)
                for process in [others.server, ours.server, ours.client] {
                    let text = process?.errors ?? ""
                    #expect(!text.contains("\u{1b}") && !text.contains("\r") && !text.contains("\u{2028}"))
                    #expect(!text.split(separator: "\n").contains { $0.hasPrefix("2026-11-21 02:50:01 ERROR") })
                }
            }
        }

        @Test("the machine-readable logs parse and carry the status word", arguments: ["logfmt", "json"])
        func formats(_ format: String) throws {
            try needs(Pair.underTest.server.writesContractLog && Pair.underTest.client.isOurs, "its own log")
            try onStage { stage in
                var options = PairOptions()
                options.flags = ["--log-format", format]
                let running = try stage.run(Pair.underTest, options)
                let server = try #require(running.server)
                let echo = try stage.echoOrigin()
                let genuine = try SOCKSClient.tunnel(via: running.front, to: Target(echo.endpoint))
                try genuine.send("x")
                _ = try genuine.receive(exactly: 1)
                let probe = try Socket.connected(to: running.serverEndpoint)
                try probe.send(Probe.random(300))
                #expect(server.waitForLine { $0.contains("ERR_CIPHER") }, "\(server.tail)")
                for line in server.errorLines + (running.client?.errorLines ?? []) {
                    let fields = format == "json" ? Self.json(line) : Self.logfmt(line)
                    #expect(fields != nil, "\(line)")
                }
                let events = server.errorLines.compactMap(format == "json" ? Self.json : Self.logfmt)
                #expect(events.contains { $0["status"] == "ERR_CIPHER" })
                #expect(events.contains { $0.values.contains { $0.contains("\(echo.endpoint.port)") } })
            }
        }

        private static func json(_ line: String) -> [String: String]? {
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return object?.mapValues { "\($0)" }
        }

        /// key=value and key="quoted value", separated by single spaces.
        private static func logfmt(_ line: String) -> [String: String]? {
            var fields: [String: String] = [:]
            var rest = Substring(line)
            let pair = /([A-Za-z0-9_.]+)=(?:"((?:[^"\\]|\\.)*)"|([^ "=]*))/
            while !rest.isEmpty {
                guard let match = rest.prefixMatch(of: pair) else { return nil }
                fields[String(match.1)] = String(match.2 ?? match.3 ?? "")
                rest = rest[match.range.upperBound...]
                if rest.isEmpty { break }
                guard rest.first == " " else { return nil }
                rest = rest.dropFirst()
            }
            return fields.isEmpty ? nil : fields
        }
    }
}
