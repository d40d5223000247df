// Who shares what is kept, and what the owner's rules say about it.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CachePolicyTests {
        @Test("users share what is kept, unless the owner keeps them apart", arguments: [false, true])
        func users(_ areApart: Bool) throws {
            try onStage { stage in
                let origin = try stage.scriptedOrigin()
                origin.on("/a") { _, count in .control("max-age=60", "\(count)") }
                let section: [String: Any] = [
                    "enabled": true, "ports": [Int(origin.endpoint.port)], "private_users": areApart,
                ]
                let server = try UserServer(stage, keys: ["cache": section])
                let alice = try server.client(server.add("alice"))
                let bob = try server.client(server.add("bob"))
                func ask(_ client: UserServer.Client) throws -> HTTPAnswer {
                    let tunnel = try CachePair.tunnel(via: client.front, to: origin.endpoint)
                    defer { tunnel.close() }
                    try tunnel.send("GET /a HTTP/1.1\r\nHost: localhost:\(origin.endpoint.port)\r\n\r\n")
                    return try tunnel.answer()
                }
                #expect(try ask(alice).text == "1")
                #expect(try ask(alice).isHit)
                let other = try ask(bob)
                #expect(other.text == (areApart ? "2" : "1") && other.isHit == !areApart)
                #expect(try ask(bob).isHit && ask(alice).text == "1")
            }
        }

        @Test func `another program's client shares what ours fetched`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let body = Pattern.bytes(200_000)
                pair.origin.on("/a", ScriptedAnswer(["Cache-Control: max-age=60"], body))
                try pair.ask("/a")
                var options = PairOptions()
                options.startsServer = false
                options.serverPort = pair.running.serverPort
                let other = try stage.run(Pair(client: .libev, server: .ours), options)
                for place in [Place.name, .address, .address] {
                    let tunnel = try CachePair.tunnel(via: other.front, to: pair.origin.endpoint, place)
                    try tunnel.send(pair.request("/a", at: place))
                    #expect(try tunnel.answer().body == body)
                }
                #expect(pair.origin.count("/a") == 2, "once under the name, once under the address")
            }
        }

        @Test func `what the owner refuses is refused though it is kept`() throws {
            try onStage { stage in
                let origin = try stage.scriptedOrigin()
                origin.on("/a", .control("max-age=60", "a"))
                origin.on("/b", .control("max-age=60", "b"))
                let port = origin.endpoint.port
                let section: [String: Any] = ["enabled": true, "ports": [Int(port)]]
                let server = try PolicyServer(stage, others: ["cache": section])
                let (a, b) = ("http://localhost:\(port)/a", "http://localhost:\(port)/b")
                for url in [a, b, a, b] { #expect(try server.fetch(url, by: .socks5h) == 200) }
                // On a connection that is open already, too.
                let open = try CachePair.tunnel(via: server.client.front, to: origin.endpoint)
                let line = "GET /a HTTP/1.1\r\nHost: localhost:\(port)\r\n\r\n"
                try open.send(line)
                #expect(try open.answer().isHit)
                try server.must(["block", "localhost/a"])
                #expect(try server.fetch(a, by: .socks5h) == 403 && server.fetch(a, by: .http) == 403)
                #expect(try server.fetch(b, by: .socks5h) == 200)
                try open.send(line)
                let refused = try open.answer()
                #expect(refused.status == 403 && refused["Cache-Control"] == "no-store" && !refused.text.hasPrefix("a"))
                try server.must(["unblock", "localhost/a"])
                #expect(try server.fetch(a, by: .socks5h) == 200)
                #expect(origin.count("/a") == 1 && origin.count("/b") == 1)
            }
        }

        @Test func `a rule of the configuration refuses before anything is fetched`() throws {
            try onStage { stage in
                let rules: [String: Any] = ["blacklist": ["rules": ["localhost/secret", "127.0.0.1/secret"]]]
                let pair = try CachePair(stage, others: rules)
                pair.origin.on("/secret/a", .control("max-age=60"))
                pair.origin.on("/open", .control("max-age=60"))
                for place in Place.allCases {
                    let tunnel = try pair.tunnel(place)
                    try tunnel.send(pair.request("/open", at: place))
                    #expect(try tunnel.answer().status == 200)
                    try tunnel.send(pair.request("/secret/a", at: place))
                    #expect(try tunnel.answer().status == 403)
                    #expect(try pair.ask("/secret/a", method: "HEAD", at: place).status == 403)
                }
                #expect(pair.origin.requests.allSatisfy { $0.path == "/open" })
            }
        }

        @Test func `what the egress forbids stays forbidden`() throws {
            try onStage { stage in
                let pair = try CachePair(stage, others: ["egress": ["allow_private": false]])
                pair.origin.on("/a", .control("max-age=60"))
                for place in Place.allCases { #expect((try? pair.ask("/a", at: place, seconds: 3))?.status != 200) }
                #expect(pair.origin.connections == 0)
            }
        }

        @Test func `without the cache, and on other ports, everything reaches the origin as it was said`() throws {
            try onStage { stage in
                for keys: [String: Any] in [["enabled": false], ["ports": [81]]] {
                    let pair = try CachePair(stage, keys: keys)
                    pair.origin.on("/a", .control("max-age=60"))
                    for _ in 1...2 {
                        let answer = try pair.ask("/a", ["Connection: X-Own", "X-Own: 1"])
                        #expect(answer.text == "kept\n" && answer.cacheStatus.isEmpty)
                    }
                    #expect(pair.origin.count("/a") == 2)
                    #expect(
                        pair.origin.requests.allSatisfy { $0.fields.map(\.name) == ["Host", "Connection", "X-Own"] })
                }
            }
        }
    }
}
