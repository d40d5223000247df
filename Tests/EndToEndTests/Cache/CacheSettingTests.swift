// What an owner can say about the cache, at the start and by `reload`.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheSettingTests {
        /// Whether the second who asks is served from what the first got.
        private static func isReused(_ pair: CachePair, _ path: String, at place: Place = .name) throws -> Bool {
            let first = try pair.ask(path, at: place)
            let second = try pair.ask(path, at: place)
            #expect(first.isWhole && second.isWhole && first.body == second.body, "\(path)")
            return second.isHit
        }

        /// Whether the path is reused now, after it was forgotten.
        private static func isReusedAnew(_ server: CacheServer, _ path: String) throws -> Bool {
            try server.must(["purge", "*"])
            return try isReused(server.pair, path)
        }

        @Test("what says nothing of its lifetime is good for default_ttl", arguments: [0, 2])
        func defaultTTL(_ seconds: Int) throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["default_ttl": seconds])
                let pair = server.pair
                pair.serve("/bare", 1000, [])
                pair.serve("/etag", 1000, ["ETag: \"1\""])
                pair.serve("/no-cache", 1000, ["Cache-Control: no-cache"])
                pair.serve("/private", 1000, ["Cache-Control: private"])
                pair.serve("/old", 1000, ["Expires: 0"])
                pair.serve("/cookie", 1000, ["Set-Cookie: a=b"])
                #expect(try Self.isReused(pair, "/bare") == (seconds > 0))
                for path in ["/etag", "/no-cache", "/private", "/old", "/cookie"] {
                    #expect(try !Self.isReused(pair, path), "\(path)")
                }
                // What was fetched with a cookie may be somebody's own.
                pair.serve("/bare2", 1000, [])
                for _ in 1...2 { #expect(try !pair.ask("/bare2", ["Cookie: a=b"]).isHit) }
                guard seconds > 0 else { return }
                #expect(try server.why("/bare").contains("cache.default_ttl"))
                pause(Double(seconds) + 0.6)
                #expect(try !pair.ask("/bare").isHit)
            }
        }

        @Test func `hosts have lifetimes of their own, and reload changes them`() throws {
            try onStage { stage in
                let server = try CacheServer(
                    stage,
                    keys: ["hosts": [["host": "localhost", "ttl": "1h"], ["host": "other.example", "ttl": 60]]])
                let pair = server.pair
                pair.serve("/a", 1000, [])
                #expect(try Self.isReused(pair, "/a"))
                #expect(try !Self.isReused(pair, "/a", at: .address), "an address is another host")
                let ttl = try pair.ask("/a").cacheStatus.firstMatch(of: /ttl=([0-9]+)/).flatMap { Int($0.1) }
                #expect((3590...3600).contains(ttl ?? 0), "\(ttl ?? -1)")
                let changed = try server.reload(["hosts": [["host": "localhost", "ttl": 0]], "default_ttl": "1h"])
                #expect(changed.exit == .status(0) && changed.output.contains("cache"), "\(changed)")
                #expect(try !Self.isReusedAnew(server, "/a"))
                #expect(try Self.isReused(pair, "/a", at: .address))
            }
        }

        @Test func `a field of the owner's choice says how long an answer is good that says nothing itself`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["ttl_header": "X-Keep"])
                let pair = server.pair
                pair.serve("/kept", 1000, ["X-Keep: 60"])
                pair.serve("/zero", 1000, ["X-Keep: 0"])
                pair.serve("/words", 1000, ["X-Keep: long"])
                pair.serve("/other", 1000, ["X-Hold: 60"])
                pair.serve("/own", 1000, ["X-Keep: 60", "Cache-Control: max-age=0"])
                pair.serve("/no-store", 1000, ["X-Keep: 60", "Cache-Control: no-store"])
                pair.serve("/private", 1000, ["X-Keep: 60", "Cache-Control: private"])
                #expect(try Self.isReused(pair, "/kept"))
                #expect(try pair.ask("/kept")["X-Keep"] == "60")
                for path in ["/zero", "/words", "/other", "/own", "/no-store", "/private"] {
                    #expect(try !Self.isReused(pair, path), "\(path)")
                }
                #expect(try server.reload(["ttl_header": "x-hold"]).exit == .status(0))
                #expect(try !Self.isReusedAnew(server, "/kept"))
                #expect(try Self.isReused(pair, "/other"))
            }
        }

        @Test func `cookies are passed by, kept or taken away, whichever the owner says last`() throws {
            try onStage { stage in
                let server = try CacheServer(stage)
                let pair = server.pair
                pair.serve("/a", 1000, ["Cache-Control: max-age=60", "Set-Cookie: a=b", "Set-Cookie: c=d"])
                for (policy, first, second) in [
                    ("bypass", 2, nil), ("store", 2, 2), ("strip", nil, 0), ("bypass", 2, nil),
                ] as [(String, Int?, Int?)] {
                    #expect(try server.reload(["set_cookie": policy]).exit == .status(0))
                    try server.must(["purge", "*"])
                    let one = try pair.ask("/a")
                    let two = try pair.ask("/a")
                    if let first { #expect(one.values("Set-Cookie").count == first, "\(policy)") }
                    #expect(two.isHit == (second != nil), "\(policy): \(two.cacheStatus)")
                    if let second { #expect(two.values("Set-Cookie").count == second, "\(policy)") }
                }
            }
        }

        @Test func `fields for caches count instead of Cache-Control`() throws {
            try onStage { stage in
                let server = try CacheServer(
                    stage, keys: ["targeted_fields": ["Our-Cache-Control", "CDN-Cache-Control"]])
                let pair = server.pair
                let cases: [(path: String, fields: [String], isReused: Bool)] = [
                    ("/more", ["Cache-Control: no-store", "CDN-Cache-Control: max-age=60"], true),
                    ("/less", ["Cache-Control: max-age=60", "CDN-Cache-Control: no-store"], false),
                    ("/first", ["CDN-Cache-Control: no-store", "Our-Cache-Control: max-age=60"], true),
                    ("/empty", ["Cache-Control: max-age=60", "CDN-Cache-Control:"], true),
                    ("/wrong", ["Cache-Control: max-age=60", "CDN-Cache-Control: max-age=\"a"], true),
                    ("/expires", ["Expires: \(HTTPDate.fromNow(600))", "CDN-Cache-Control: max-age=0"], false),
                    ("/none", ["Cache-Control: max-age=60"], true),
                ]
                for (path, fields, isReused) in cases {
                    pair.serve(path, 1000, fields)
                    #expect(try Self.isReused(pair, path) == isReused, "\(path)")
                }
                #expect(try server.why("/more").contains("RFC 9213"))
                #expect(try server.reload(["targeted_fields": [String]()]).exit == .status(0))
                #expect(try !Self.isReusedAnew(server, "/more"))
                #expect(try Self.isReused(pair, "/less"))
            }
        }

        @Test func `what is larger than max_object is passed on, until reload allows it`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["max_object": "64KiB", "disk": "64MiB"])
                server.waitForDisk()
                let pair = server.pair
                let sizes = [65_536: true, 65_537: false, 2 << 20: false]
                for (size, isKept) in sizes {
                    let chunked = Made.body("/chunks/\(size)", size)
                    pair.serve("/length/\(size)", size)
                    pair.origin.on("/chunks/\(size)") { _, _ in
                        ScriptedAnswer(["Cache-Control: max-age=60"], chunked).with { $0.framing = .chunked(30_000) }
                    }
                    for path in ["/length/\(size)", "/chunks/\(size)"] {
                        #expect(try Self.isReused(pair, path) == isKept, "\(path)")
                        if !isKept { #expect(try server.why(path).contains("larger than cache.max_object"), "\(path)") }
                    }
                }
                #expect(try server.reload(["max_object": "4MiB"]).exit == .status(0))
                for size in sizes.keys { #expect(try Self.isReusedAnew(server, "/length/\(size)")) }
            }
        }

        @Test func `little memory holds what fits, and every answer is right`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["memory": "1MiB"])
                let pair = server.pair
                let paths = (0..<24).map { ($0, "/\($0)", 20_000 + $0 * 9000) }
                for (_, path, size) in paths { pair.serve(path, size) }
                for _ in 1...3 {
                    for (_, path, size) in paths {
                        #expect(try pair.ask(path).body == Made.body(path, size), "\(path)")
                        #expect(try pair.ask(path).body == Made.body(path, size), "\(path)")
                    }
                }
                let answers = atOnce(24) { index in try pair.ask("/\(index)").body }
                for (index, path, size) in paths { #expect(answers[index] == Made.body(path, size), "\(path)") }
                let stats = try server.stats()
                #expect((stats["bytes"] as? Int ?? .max) <= 1 << 20 && (stats["evictions"] as? Int ?? 0) > 0)
                #expect((stats["hits"] as? Int ?? 0) >= 60, "\(stats)")
                #expect(try server.reload(["memory": "300KiB"]).exit == .status(0))
                let (_, path, size) = paths[0]
                for _ in 1...2 { #expect(try pair.ask(path).body == Made.body(path, size)) }
                let less = try server.stats()
                #expect(
                    less["capacity"] as? Int == 300 << 10 && (less["bytes"] as? Int ?? .max) <= 300 << 10, "\(less)")
            }
        }

        @Test func `ports that reload adds are cached, and those it takes away are not`() throws {
            try onStage { stage in
                let server = try CacheServer(stage)
                let pair = server.pair
                pair.serve("/a", 1000)
                let open = try pair.tunnel()
                try open.send(pair.request("/a"))
                #expect(try open.answer().status == 200)
                #expect(try Self.isReused(pair, "/a"))
                #expect(try server.reload(["ports": [81]]).exit == .status(0))
                #expect(try pair.ask("/a").cacheStatus.isEmpty)
                try open.send(pair.request("/a"))
                #expect(try open.answer().body == Made.body("/a", 1000), "what is open goes on")
                #expect(try server.reload(["ports": [81, Int(pair.port)]]).exit == .status(0))
                #expect(try pair.ask("/a").isHit)
            }
        }

        @Test func `what reload cannot change it says, and a wrong value changes nothing`() throws {
            try onStage { stage in
                let server = try CacheServer(stage)
                server.pair.serve("/a", 1000)
                try server.pair.fill("/a")
                let disk = try server.reload(["disk": "64MiB"])
                #expect((disk.output + disk.errors).contains("cache.disk"), "\(disk)")
                #expect(try server.stats()["disk"] == nil && server.pair.ask("/a").isHit)
                for (name, value, words) in [
                    ("set_cookie", "eat" as Any, "set_cookie"), ("memory", "lots", "memory"), ("ports", [0], "port"),
                    ("ttl_header", "a b", "HTTP field"), ("hosts", [["ttl": 5]], "without \"host\""),
                    ("cookies", "x", "cookies"), ("default_ttl", -1, "default_ttl"), ("max_object", -5, "max_object"),
                ] {
                    let wrong = try server.reload([name: value])
                    #expect(wrong.exit == .status(2) && wrong.errors.contains(words), "\(name): \(wrong)")
                    #expect(try server.pair.ask("/a").isHit, "\(name)")
                    let url = URL(fileURLWithPath: server.users.config)
                    var config = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any]
                    var section = config?["cache"] as? [String: Any]
                    section?[name] = name == "ports" ? [Int(server.pair.port)] : nil
                    config?["cache"] = section
                    try JSONSerialization.data(withJSONObject: config ?? [:]).write(to: url)
                }
            }
        }
    }
}
