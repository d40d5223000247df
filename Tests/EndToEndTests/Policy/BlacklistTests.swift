// The owner's rules, as clients meet them.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct BlacklistTests {
        @Test func `who asks for what is refused over plain HTTP reads why, whichever front they use`() throws {
            try onStage { stage in
                let server = try PolicyServer(stage, ["# mine", "||ads.example^"])
                for front in [CurlFront.http, .socks5h, .socks4a, .connect] {
                    let result = try stage.curl(
                        front.arguments(server.client.front) + [
                            "-i", "--suppress-connect-headers", "http://x.ads.example/%22%3Cscript%3E?\"><b>",
                        ])
                    #expect(result.status == 0 && result.output.hasPrefix("HTTP/1.1 403"), "\(front)")
                    for word in [
                        "Content-Security-Policy: default-src 'none'", "Cache-Control: no-store", "nosniff",
                        "x.ads.example/",
                        "||ads.example^", "\(server.list):2", "href=\"https://example.org/ask\"",
                    ] {
                        #expect(result.output.contains(word), "\(front): \(word)")
                    }
                    #expect(!result.output.contains("<script") && !result.output.contains("<b>"))
                }
                #expect(server.lines.count == 4)
                let head = try SOCKSClient.tunnel(via: server.client.front, to: .name("ads.example", 80))
                try head.send("HEAD / HTTP/1.1\r\nHost: ads.example\r\n\r\n")
                let answer = String(decoding: try head.receiveToEnd(), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 403") && answer.hasSuffix("\r\n\r\n") && !answer.contains("<html"))
                let client = /127\.0\.0\.1:[0-9]+/
                for line in server.lines.prefix(4) {
                    #expect(
                        line.replacing(client, with: "C")
                            == "WARNING  blocked x.ads.example:80 from C rule ||ads.example^ (\(server.list):2)")
                }
                #expect(!server.process.errors.contains("connecting x.ads"), "nothing was dialled")
            }
        }

        @Test func `TLS, other protocols and silence are closed in good order`() throws {
            try onStage { stage in
                let server = try PolicyServer(stage, ["||ads.example^"])
                let hello = try stage.curl(CurlFront.http.arguments(server.client.front) + ["https://ads.example/"])
                #expect(hello.status == 35, "the connection ends while TLS begins: \(hello.status)")
                for first in ["SSH-2.0-x\r\n", ""] {
                    let tunnel = try SOCKSClient.tunnel(via: server.client.front, to: .name("ads.example", 22))
                    try tunnel.send(first)
                    #expect(try tunnel.receiveToEnd().isEmpty)
                    tunnel.close()
                }
                #expect(server.process.refusals.isEmpty, "a user is no stranger")
            }
        }

        @Test func `where a client sends an address, the name inside decides, and every request of a connection`()
            throws
        {
            try onStage { stage in
                let server = try PolicyServer(stage, ["||ads.example^", "127.0.0.1/secret"])
                let http = try stage.httpOrigin()
                let url = http.url("/bytes/10")
                #expect(try server.fetch(url, by: .socks5) == 200)
                #expect(try server.fetch(url, ["-H", "Host: www.ads.example"], by: .socks5) == 403)
                #expect(try server.fetch(http.url("/a/../secret/x"), ["--path-as-is"], by: .socks5) == 403)
                #expect(http.requests.count == 1, "what is refused reaches nobody")
                let tls = try stage.echoOrigin()
                let target = Target(tls.endpoint)
                let refused = try SOCKSClient.tunnel(via: server.client.front, to: target)
                try refused.send(Self.hello("www.ads.example"))
                #expect(try refused.receiveToEnd().isEmpty)
                let passed = try SOCKSClient.tunnel(via: server.client.front, to: target)
                let hello = Self.hello("www.other.example")
                // In two pieces: what was kept back comes whole.
                try passed.send(hello[..<20])
                pause(0.1)
                try passed.send(hello[20...])
                #expect(try passed.receive(exactly: hello.count) == hello)
                let pair = try SOCKSClient.tunnel(via: server.client.front, to: Target(http.endpoint))
                let host = "Host: \(http.endpoint)\r\n"
                try pair.send("GET /bytes/3 HTTP/1.1\r\n\(host)\r\n")
                #expect(try pair.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
                _ = try pair.receive(exactly: 3)
                try pair.send("GET /secret/2 HTTP/1.1\r\n\(host)\r\n")
                #expect(try pair.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 403"))
                #expect(http.requests.count == 2)
            }
        }

        @Test func `UDP to what is refused is dropped, and said`() throws {
            try onStage { stage in
                let closed = try stage.datagramOrigin()
                let open = try stage.datagramOrigin()
                let server = try PolicyServer(
                    stage, ["localhost:\(closed.endpoint.port)", "127.0.0.1:\(closed.endpoint.port)"])
                let association = try Association(via: server.client.front)
                for target in [Target(closed.endpoint), .name("localhost", closed.endpoint.port)] {
                    try association.send([1], to: target)
                }
                try association.send([2], to: Target(open.endpoint))
                #expect(try association.receive()?.payload == [2])
                #expect(eventually(3) { server.lines.count == 2 })
                #expect(closed.received == 0 && open.received == 1)
            }
        }

        @Test func `block, unblock and blocked work at once, and outlast a kill`() throws {
            try onStage { stage in
                let server = try PolicyServer(
                    stage, ["||ads.example^", "192.0.2.0/24"], keys: ["rules": ["=config.example"]])
                let page = "http://new.example/"
                #expect(try server.blocked("new.example") == "not blocked")
                #expect(try server.must(["block", "||new.example^"]).errors == "blocks ||new.example^\n")
                #expect(try server.fetch(page) == 403)
                #expect(try server.must(["block", "||new.example^"]).errors == "||new.example^ was there already\n")
                try server.users.restart(SIGKILL)
                #expect(try server.fetch(page) == 403)
                #expect(try server.blocked("a.new.example") == "blocked by commands:1 \"||new.example^\"")
                #expect(
                    try server.blocked("http://x.ads.example/y") == "blocked by \(server.list):1 \"||ads.example^\"")
                #expect(try server.blocked("config.example").contains("\"=config.example\""))
                #expect(try server.blocked("x.config.example") == "not blocked")
                #expect(try server.blocked("10.0.0.1") == "blocked: the egress policy refuses 10.0.0.1:443")
                #expect(try server.must(["block", "@@||ads.example^"]).errors == "allows ||ads.example^\n")
                #expect(try server.blocked("ads.example") == "not blocked: allowed by commands:2 \"||ads.example^\"")
                #expect(try server.must(["block", "||games.example^", "--user", "alice"]).exit == .status(0))
                #expect(try server.blocked("games.example") == "not blocked")
                #expect(try server.blocked("games.example", ["--user", "alice"]).hasPrefix("blocked by commands:3"))
                try server.must(["unblock", "||new.example^"])
                #expect(try server.blocked("new.example") == "not blocked")
                for (arguments, words) in [
                    (["block", "*"], "refuses nearly everything"), (["block", "0.0.0.0/0"], "--yes"),
                    (["block", "a b"], "not understood"),
                    (["unblock", "||ads.example^"], "no command has made"),
                    (["blocked", "a b"], "no host, address or URL"),
                ] {
                    let finished = try server.run(arguments)
                    #expect(
                        finished.exit == .status(1) && finished.errors.contains(words),
                        "\(arguments): \(finished.errors)")
                }
                try server.must(["block", "--yes", "*"])
                #expect(try server.blocked("anything.example").contains("\"*\""))
                let overview = try server.must(["blocked"]).output
                #expect(overview.contains(server.list) && overview.contains("  ||games.example^ for alice\n"))
            }
        }

        @Test func `a list that changes is read again; one that cannot be used changes nothing`() throws {
            try onStage { stage in
                let server = try PolicyServer(stage, ["||one.example^"])
                let soon = 3.0
                try FileHandle(forUpdating: URL(fileURLWithPath: server.list)).appended("||two.example^\n")
                #expect(eventually(soon) { (try? server.blocked("two.example"))?.contains(":2 ") == true })
                // As editors write.
                let other = stage.workspace.unusedPath("other")
                try PolicyServer.write(["||three.example^"], to: other)
                #expect(rename(other, server.list) == 0)
                #expect(eventually(soon) { (try? server.blocked("three.example"))?.hasPrefix("blocked") == true })
                #expect(try server.blocked("one.example") == "not blocked")
                for bad in [
                    ["||four.example^", "what is this"], ["||four.example^", "\0"],
                    [String(repeating: "x", count: 1 << 20)],
                ] {
                    let before = server.process.errorLines.filter { $0.contains("the rules from before stay") }.count
                    try PolicyServer.write(bad, to: server.list)
                    #expect(
                        eventually(soon) {
                            server.process.errorLines.filter { $0.contains("the rules from before stay") }.count
                                > before
                        })
                    #expect(try server.blocked("three.example").hasPrefix("blocked"))
                }
                #expect(server.process.errors.contains("file=\(server.list):2 reason=\"not understood\""))
                for replace in [
                    { unlink(server.list) == 0 }, { mkfifo(server.list, 0o600) == 0 },
                    { unlink(server.list) == 0 && mkdir(server.list, 0o700) == 0 },
                ] {
                    #expect(replace())
                    pause(0.8)
                    #expect(try server.blocked("three.example").hasPrefix("blocked"))
                }
                #expect(rmdir(server.list) == 0)
                try PolicyServer.write(["||five.example^"], to: server.list)
                #expect(eventually(soon) { (try? server.blocked("five.example"))?.hasPrefix("blocked") == true })
                #expect(try server.blocked("three.example") == "not blocked")
            }
        }

        @Test func `a server whose rules cannot be used is not started, and check says all of it`() throws {
            try onStage { stage in
                let list = stage.workspace.unusedPath("list.txt")
                try PolicyServer.write(["||a.example^", "x y"], to: list)
                let config = try stage.workspace.config(
                    "bad.json",
                    [
                        "server": "127.0.0.1", "server_port": try Ports.free(), "method": "aes-256-gcm",
                        "password": "ein langes Passwort 12",
                        "state_directory": stage.workspace.unusedPath("state"),
                        "blacklist": ["files": [list, "/nowhere"], "rules": ["c d"]],
                    ])
                let check = try stage.run(.ssserver, ["check", "-c", config])
                #expect(check.exit == .status(2))
                for word in ["\(list):2", "/nowhere", "\"c d\" is not understood", "3 errors"] {
                    #expect(check.errors.contains(word), "\(word) in \(check.errors)")
                }
                #expect(try stage.run(.ssserver, ["run", "-c", config]).exit == .status(2))
            }
        }

        @Test func `a new rule ends what it refuses where the owner wants that, and nothing else`() throws {
            try onStage { stage in
                let server = try PolicyServer(stage, keys: ["end_sessions": true, "rules": ["||unused.example^"]])
                let echo = try stage.echoOrigin()
                func tunnel(_ target: Target) throws -> Socket {
                    let tunnel = try SOCKSClient.tunnel(via: server.client.front, to: target)
                    try tunnel.send("x")
                    #expect(try tunnel.receive(exactly: 1) == [0x78])
                    return tunnel
                }
                let byName = try tunnel(.name("localhost", echo.endpoint.port))
                let byAddress = try tunnel(Target(echo.endpoint))
                try server.must(["block", "=localhost"])
                #expect(eventually(3) { byName.observe() != .silence })
                try byAddress.send("y")
                #expect(try byAddress.receive(exactly: 1) == [0x79])
            }
        }

        /// A TLS client's first message.
        static func hello(_ name: String) -> [UInt8] {
            func sized(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)] + bytes }
            let extensions = sized([0, 0] + sized(sized([0] + sized(Array(name.utf8)))))
            let body = [3, 3] + [UInt8](repeating: 9, count: 32) + [0] + sized([0x13, 1]) + [1, 0] + extensions
            return [22, 3, 1] + sized([1, 0] + sized(body))
        }
    }
}

extension FileHandle {
    /// Writes behind what is there.
    fileprivate func appended(_ text: String) throws {
        try seekToEnd()
        try write(contentsOf: Data(text.utf8))
        try close()
    }
}
