// What a user may use is what they get, also after the server was started anew or killed.
import Foundation
import Synchronization
import Testing

extension EndToEnd {
    @Suite struct UserLimitTests {
        @Test func `the quota cuts a download, refuses what follows, outlasts a restart, and is lifted`() throws {
            try onStage { stage in
                let server = try UserServer(stage)
                let http = try stage.httpOrigin()
                let client = try server.client(try server.add("alice", ["--quota", "300KB"]))
                let proxy = CurlFront.socks5h.arguments(client.front)
                let file = stage.workspace.unusedPath("download")
                let small = try stage.curl(proxy + [http.url("/bytes/1000")])
                #expect(small.status == 0)
                let cut = try stage.curl(proxy + ["-o", file, http.url("/bytes/20000000")])
                #expect(cut.status != 0, "a part is not the whole")
                let size = (try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int) ?? 0
                #expect(size < 10_000_000, "\(size) bytes came through")
                #expect(try server.user("alice")["state"] as? String == "quota used up")
                for round in 0..<2 {
                    let refused = try stage.curl(proxy + [http.url("/bytes/10")])
                    #expect(refused.status != 0)
                    let lines = server.refusals(of: "alice")
                    #expect(
                        !lines.isEmpty && lines.allSatisfy { $0.contains("status=ERR_LIMIT") && $0.contains("quota") })
                    #expect(server.process.refusals.isEmpty, "a user is no stranger")
                    if round == 0 { try server.restart() }
                }
                #expect(http.requests.count == 2)
                #expect(try server.number("month_bytes_down", of: "alice") >= 300_000 - 1_000)
                try server.must(["limit", "alice", "--quota", "none"])
                #expect(try stage.curl(proxy + [http.url("/bytes/10")]).status == 0)
            }
        }

        @Test func `a server that is killed forgets no more than its last seconds`() throws {
            try onStage { stage in
                let server = try UserServer(stage)
                let source = try stage.sourceOrigin(500_000)
                let client = try server.client(try server.add("alice"))
                #expect(client.fetch(500_000, from: source) == Pattern.digest(500_000))
                // Written every two seconds.
                pause(4)
                #expect(try server.number("month_bytes_down", of: "alice") == 500_000)
                #expect(client.fetch(500_000, from: source) != nil)
                try server.restart(SIGKILL)
                let known = try server.number("bytes_down", of: "alice")
                #expect(known == 500_000 || known == 1_000_000)
                #expect(try server.number("last_seen", of: "alice") > 0)
                #expect(client.fetch(500_000, from: source) != nil)
                // An end in good order forgets nothing.
                try server.restart()
                #expect(try server.number("bytes_down", of: "alice") == known + 500_000)
            }
        }

        @Test func `the rate is kept, for all of a user's streams together and for nobody else`() throws {
            try onStage { stage in
                let server = try UserServer(stage)
                let source = try stage.sourceOrigin(2_000_000)
                let slow = try server.client(try server.add("alice", ["--rate", "1MiB"]))
                let free = try server.client(try server.add("bob"))
                let other = Finding()
                let (digest, seconds) = timed { () -> String? in
                    startThread { other.set(slow.fetch(2_000_000, from: source, seconds: 40)) }
                    let digest = slow.fetch(2_000_000, from: source, seconds: 40)
                    // One of the two may have got more than its half.
                    #expect(eventually(40) { other.isThere })
                    return digest
                }
                #expect(digest == Pattern.digest(2_000_000) && other.value == Pattern.digest(2_000_000))
                Figures.show("4 MB at 1 MiB/s on two streams", "\(seconds) s")
                #expect(seconds > 3 && seconds < 40)
                let (_, quick) = timed { free.fetch(2_000_000, from: source) }
                Figures.show("2 MB without a rate", "\(quick) s")
                #expect(try server.number("bytes_down", of: "alice") == 4_000_000)
                try server.must(["limit", "alice", "--rate", "none"])
                #expect(slow.fetch(2_000_000, from: source) == Pattern.digest(2_000_000))
            }
        }

        @Test func `the rate holds for many short streams as it does for a long one, which they do not hold up`() throws
        {
            try onStage { stage in
                let server = try UserServer(stage)
                let source = try stage.sourceOrigin(40_000)
                let client = try server.client(try server.add("alice", ["--rate", "500KB"]))
                let (_, seconds) = timed {
                    for _ in 0..<40 { #expect(client.fetch(40_000, from: source) == Pattern.digest(40_000)) }
                }
                Figures.show("1.6 MB at 500 KB/s in 40 streams", "\(seconds) s")
                #expect(seconds > 2.5 && seconds < 30)
                let long = try stage.sourceOrigin(300_000)
                #expect(client.fetch(300_000, from: long, seconds: 10) == Pattern.digest(300_000))
            }
        }

        @Test func `who has many downloads at a low rate still gets the first bytes of another page soon`() throws {
            try onStage { stage in
                let server = try UserServer(stage)
                let source = try stage.sourceOrigin(1_000_000)
                let page = try stage.sourceOrigin(100)
                let client = try server.client(try server.add("alice", ["--rate", "40KB"]))
                for _ in 0..<12 { startThread { _ = client.fetch(1_000_000, from: source, seconds: 8) } }
                pause(2)
                for _ in 0..<3 {
                    let (digest, seconds) = timed { client.fetch(100, from: page, seconds: 10) }
                    Figures.show("first bytes of a page beside 12 downloads at 40 KB/s", "\(seconds) s")
                    #expect(digest == Pattern.digest(100) && seconds < 4)
                }
                #expect(try server.number("bytes_down", of: "alice") < 600_000)
            }
        }

        @Test func `streams beyond their number are closed at once, and there is room again when one ends`() throws {
            try onStage { stage in
                let server = try UserServer(stage)
                let echo = try stage.echoOrigin()
                let client = try server.client(try server.add("alice", ["--streams", "2"]))
                var open: [Socket] = []
                for _ in 0..<2 {
                    let tunnel = try SOCKSClient.tunnel(via: client.front, to: Target(echo.endpoint))
                    try tunnel.send("a")
                    #expect(try tunnel.receive(exactly: 1) == Array("a".utf8))
                    open.append(tunnel)
                }
                #expect(try server.number("streams_open", of: "alice") == 2)
                #expect(!client.echoes(echo, seconds: 2))
                #expect(server.refusals(of: "alice").count == 1)
                try open[1].send("b")
                #expect(try open[1].receive(exactly: 1) == Array("b".utf8))
                open[0].close()
                #expect(eventually(5) { (try? server.number("streams_open", of: "alice")) == 1 })
                #expect(client.echoes(echo))
                #expect(echo.accepted == 3)
            }
        }

        @Test func `a user of the configuration whose day is over is refused until a command moves the day`() throws {
            try onStage { stage in
                let method = Method.blake3AES128
                let server = try UserServer(
                    stage, method,
                    keys: ["users": [["name": "ann", "password": method.userKey, "expires": "2020-01-01"]]])
                let echo = try stage.echoOrigin()
                let client = try server.client("\(method.key):\(method.userKey)")
                #expect(!client.echoes(echo, seconds: 2))
                #expect(server.refusals(of: "ann").allSatisfy { $0.contains("expired") })
                #expect(server.refusals(of: "ann").count == 1 && server.process.refusals.isEmpty)
                #expect(try server.user("ann")["state"] as? String == "expired")
                try server.must(["limit", "ann", "--expires", "2099-01-01"])
                #expect(client.echoes(echo))
                try server.restart()
                #expect(client.echoes(echo))
                let tunnel = try SOCKSClient.tunnel(via: client.front, to: Target(echo.endpoint))
                try tunnel.send("a")
                #expect(try tunnel.receive(exactly: 1) == Array("a".utf8))
                try server.must(["limit", "ann", "--expires", "2020-01-01"])
                #expect(tunnel.observe(for: 4) != .silence, "what is open ends, too")
            }
        }

        @Test func `a stranger on a port with users sees nothing, and so does who has the port's key alone`() throws {
            try onStage { stage in
                let server = try UserServer(stage, keys: ["users": [] as [Any]])
                _ = try server.add("alice")
                let echo = try stage.echoOrigin()
                let tap = try stage.tap(.swallow)
                var options = PairOptions()
                options.startsServer = false
                options.serverPortSeenByClient = tap.endpoint.port
                let running = try stage.run(Pair(client: .ours, server: .ours, method: server.method), options)
                let tunnel = try SOCKSClient.tunnel(via: running.front, to: Target(echo.endpoint))
                try tunnel.send("hello")
                let flight = try tap.settledFlight(atLeast: 89)
                let inputs = [43, 59, 74, 75, 76, 200].map { (name: "\($0) bytes", bytes: Probe.random($0)) }
                Probe.expectSilence(
                    try Probe.send(inputs + [(name: "the port's key", bytes: flight)], to: server.endpoint), seconds: 1)
                #expect(echo.accepted == 0)
                #expect(eventually(5) { server.process.refusals.count == 7 }, "\(server.process.tail)")
            }
        }

        /// What another thread found, once it has.
        private final class Finding: Sendable {
            private let state: Mutex<(isThere: Bool, value: String?)> = Mutex((false, nil))
            var value: String? { state.withLock { $0.value } }
            var isThere: Bool { state.withLock { $0.isThere } }

            func set(_ value: String?) { state.withLock { $0 = (true, value) } }
        }
    }
}
