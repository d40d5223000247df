// `ssserver cache` and /metrics, while a server runs whose requests are known.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheCommandTests {
        private static func sums(_ stats: [String: Any], _ span: String) -> [String: Int] {
            (stats["saved"] as? [String: Any])?[span] as? [String: Int] ?? [:]
        }

        /// Three misses of which two are kept, three hits.
        private static func fill(_ pair: CachePair) throws {
            pair.serve("/a", 100_000)
            pair.serve("/b", 5000)
            pair.serve("/never", 700, ["Cache-Control: no-store"])
            try pair.fill("/a", times: 3)
            try pair.fill("/b", times: 2)
            try pair.fill("/never", times: 1)
        }

        @Test func `the numbers are those of what was asked`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["memory": "1MiB"])
                let empty = try server.stats()
                #expect(empty["enabled"] as? Bool == true && empty["objects"] as? Int == 0 && empty["disk"] == nil)
                try Self.fill(server.pair)
                let stats = try server.stats()
                let expected = [
                    "objects": 2, "capacity": 1 << 20, "hits": 3, "misses": 3, "stored": 2, "validated": 0, "stale": 0,
                    "collapsed": 0, "bypassed": 0, "invalidated": 0, "evictions": 0, "fetching": 0,
                    "bytes_fetched": 105_700,
                ]
                for (name, number) in expected { #expect(stats[name] as? Int == number, "\(name) in \(stats)") }
                #expect((105_000...115_000).contains(stats["bytes"] as? Int ?? 0), "\(stats)")
                for span in ["now", "today", "all"] {
                    let sums = Self.sums(stats, span)
                    #expect(sums["hits"] == 3 && sums["misses"] == 3 && sums["bytes"] == 205_000, "\(span): \(sums)")
                }
                for arguments in [[], ["stats"]] {
                    let text = try server.must(arguments).output
                    #expect(text.contains("Memory  2 objects") && text.contains("of 1.0 MB"), "\(text)")
                    for word in ["HITS", "MISSES", "last minute", "today", "in all", "TIME SAVED"] {
                        #expect(text.contains(word), "\(word) in \(text)")
                    }
                    let line = text.split(separator: "\n").first { $0.hasPrefix("in all") } ?? ""
                    #expect(line.split(separator: " ").dropFirst(2).prefix(4) == ["3", "3", "0", "0"], "\(line)")
                }
            }
        }

        @Test func `what was saved in all survives the server's end`() throws {
            try onStage { stage in
                let server = try CacheServer(stage)
                try Self.fill(server.pair)
                for round in 1...2 {
                    try server.users.restart(SIGTERM)
                    let stats = try server.stats()
                    #expect(stats["hits"] as? Int == 0)
                    for span in ["today", "all"] {
                        let sums = Self.sums(stats, span)
                        #expect(
                            sums["hits"] == 3 * round && sums["misses"] == 3 * round
                                && sums["bytes"] == 205_000 * round, "\(span): \(sums)")
                    }
                    #expect(Self.sums(stats, "now")["hits"] == 0)
                    try Self.fill(server.pair)
                }
            }
        }

        @Test func `why names the clause`() throws {
            let past = "Last-Modified: \(HTTPDate.fromNow(-86_400 * 30))"
            let kept: [(path: String, fields: [String], words: [String])] = [
                ("/max-age", ["Cache-Control: max-age=60"], ["by max-age (RFC 9111 section 5.2.2.1)", "fresh for"]),
                ("/s-maxage", ["Cache-Control: s-maxage=60"], ["by s-maxage (RFC 9111 section 5.2.2.10)"]),
                ("/expires", ["Expires: \(HTTPDate.fromNow(3600))"], ["by Expires (RFC 9111 section 5.3)"]),
                ("/heuristic", [past], ["RFC 9111 section 4.2.2"]),
                ("/no-cache", ["Cache-Control: no-cache", "ETag: \"1\""], ["RFC 9111 section 5.2.2.4"]),
                ("/etag", ["ETag: \"1\""], ["RFC 9111 section 4.2", "stale"]),
                ("/vary", ["Cache-Control: max-age=60", "Vary: X-One"], ["with the same x-one"]),
            ]
            let refused: [(path: String, fields: [String], words: [String])] = [
                ("/private", ["Cache-Control: private"], ["not kept", "private (RFC 9111 section 5.2.2.7)"]),
                ("/no-store", ["Cache-Control: no-store"], ["not kept", "no-store (RFC 9111 section 5.2.2.5)"]),
                ("/cookie", ["Cache-Control: max-age=60", "Set-Cookie: a=b"], ["not kept", "set_cookie"]),
                ("/authorization", ["Cache-Control: max-age=60"], ["not kept", "Authorization", "section 3.5"]),
                ("/request", ["Cache-Control: max-age=60"], ["not kept", "request says no-store", "5.2.1.5"]),
                ("/star", ["Cache-Control: max-age=60", "Vary: *"], ["not kept", "section 4.1"]),
                ("/nothing", [], ["not kept", "neither how long"]),
            ]
            let asked = ["/authorization": "Authorization: Basic YTpi", "/request": "Cache-Control: no-store"]
            try onStage { stage in
                let server = try CacheServer(stage)
                for (path, fields, words) in kept + refused {
                    server.pair.serve(path, 1000, fields)
                    try server.pair.ask(path, [asked[path]].compactMap { $0 })
                    let said = try server.why(path)
                    #expect(said.contains("localhost:\(server.pair.port)\(path)"), "\(path): \(said)")
                    for word in words { #expect(said.contains(word), "\(path): \(word) in \(said)") }
                    #expect(said.contains("  kept: 200") == !words.contains("not kept"), "\(path): \(said)")
                }
                #expect(try server.why("/other").contains("nothing is known of it"))
                #expect(try server.must(["why", "http://other.example/max-age"]).output.contains("nothing is known"))
                let all = try server.must(["why", server.pair.url("/*"), "--json"]).output
                let parsed = try JSONSerialization.jsonObject(with: Data(all.utf8)) as? [String: Any]
                #expect(parsed?["count"] as? Int == kept.count + refused.count, "\(all)")
                #expect((parsed?["known"] as? [Any])?.count == kept.count + refused.count)
            }
        }

        @Test func `why knows what is on disk alone`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["disk": "64MiB"])
                server.waitForDisk()
                server.pair.serve("/small", 1000)
                server.pair.serve("/large", 2 << 20)
                try server.pair.fill("/small")
                try server.pair.fill("/large", times: 1)
                #expect(server.waitForFiles(2))
                try server.restart()
                for path in ["/small", "/large"] {
                    let said = try server.why(path)
                    #expect(said.contains("kept: 200") && said.contains("by max-age"), "\(path): \(said)")
                }
            }
        }

        @Test func `purge takes a host, a URL, and stars, and leaves the rest`() throws {
            try onStage { stage in
                let server = try CacheServer(stage)
                let pair = server.pair
                let paths = ["/pool/a.deb", "/pool/b.deb", "/pool/c.txt", "/d.deb", "/pool", "/x?q=1"]
                for path in paths { pair.serve(path, 100) }
                let port = pair.port
                let cases: [(pattern: String, gone: [String])] = [
                    (pair.url("/pool/a.deb"), ["/pool/a.deb"]), ("localhost:\(port)/pool/*", Array(paths.prefix(3))),
                    ("*.deb", ["/pool/a.deb", "/pool/b.deb", "/d.deb"]), ("localhost", paths), ("*", paths),
                    ("LOCALHOST:\(port)", paths), ("http://localhost/pool/*.deb", Array(paths.prefix(2))),
                    ("localhost:\(port)/x?q=*", ["/x?q=1"]), ("other.example", []), ("local", []),
                    ("localhost:1", []), (pair.url("/pool/A.deb"), []), ("host", []), (pair.url("/poo"), []),
                ]
                for (pattern, gone) in cases {
                    for path in paths { try pair.ask(path) }
                    let finished = try server.must(["purge", pattern])
                    let text = "forgot \(gone.count) \(gone.count == 1 ? "object" : "objects")\n"
                    #expect(finished.errors == text && finished.output.isEmpty, "\(pattern): \(finished.errors)")
                    for path in paths {
                        #expect(try pair.ask(path).isHit == !gone.contains(path), "\(pattern): \(path)")
                    }
                }
            }
        }

        @Test func `what is no pattern is said, and nothing is forgotten`() throws {
            try onStage { stage in
                let server = try CacheServer(stage)
                server.pair.serve("/a", 100)
                try server.pair.fill("/a", times: 1)
                for text in ["", "a b", "http://", "\u{1}", "a\nb"] {
                    for command in ["purge", "why"] {
                        let finished = try server.run([command, text])
                        #expect(finished.exit == .status(1), "\(command) \(text.debugDescription): \(finished.exit)")
                        #expect(finished.errors.contains("no http:// address and no pattern"), "\(finished.errors)")
                        #expect(!finished.errors.contains("\u{1}") && finished.output.isEmpty)
                    }
                }
                // HTTPS is never seen, so that it can only be a mistake.
                for text in ["https://localhost/a", "ftp://localhost/a"] {
                    let finished = try server.run(["purge", text])
                    #expect(finished.exit == .status(1), "\(text): \(finished.exit) \(finished.errors)")
                }
                for arguments in [["purge"], ["why"], ["purge", "a", "b"], ["forget", "a"]] {
                    #expect(try server.run(arguments).exit == .status(64), "\(arguments)")
                }
                #expect(try server.pair.ask("/a").isHit)
            }
        }

        @Test func `who switched it off is told so`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["enabled": false])
                #expect(try server.must(["stats"]).output == "the cache is switched off (cache.enabled)\n")
                #expect(try server.stats()["enabled"] as? Bool == false)
                for arguments in [["why", "http://a.example/"], ["purge", "a.example"]] {
                    let finished = try server.run(arguments)
                    #expect(finished.exit == .status(1) && finished.errors.contains("switched off (cache.enabled)"))
                }
                server.process.signal(SIGTERM)
                #expect(server.process.wait(seconds: 10) != nil)
                for arguments in [["stats"], ["why", "http://a.example/"], ["purge", "a.example"]] {
                    let finished = try server.run(arguments)
                    #expect(finished.exit == .status(1) && finished.errors.contains("does not run here"))
                }
            }
        }

        @Test("Prometheus can read what was counted", arguments: [true, false])
        func metrics(_ isEnabled: Bool) throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["enabled": isEnabled])
                try Self.fill(server.pair)
                let result = try stage.curl([
                    "-i", "--unix-socket", server.users.socket, "http://localhost/metrics",
                ])
                let parts = result.output.replacing("\r\n", with: "\n").split(separator: "\n\n", maxSplits: 1)
                try #require(parts.count == 2, "\(result.output) \(result.errors)")
                #expect(
                    parts[0].hasPrefix("HTTP/1.1 200") && parts[0].lowercased().contains("text/plain; version=0.0.4"))
                let samples = Self.samples(String(parts[1]))
                #expect(!result.output.contains("localhost"), "no names of hosts")
                #expect((samples["ssserver_bytes_down_total"] ?? 0) > 300_000)
                guard isEnabled else {
                    return #expect(!samples.keys.contains { $0.contains("cache") })
                }
                let expected = [
                    "ssserver_cache_events_total{event=\"hits\"}": 3,
                    "ssserver_cache_events_total{event=\"misses\"}": 3,
                    "ssserver_cache_events_total{event=\"stored\"}": 2,
                    "ssserver_cache_objects": 2, "ssserver_cache_saved_bytes_total": 205_000,
                    "ssserver_cache_fetched_bytes_total": 105_700, "ssserver_cache_evictions_total": 0,
                ]
                for (name, value) in expected { #expect(samples[name] == value, "\(name): \(samples)") }
            }
        }

        /// The text format 0.0.4, line by line.
        private static func samples(_ page: String) -> [String: Int] {
            #expect(page.hasSuffix("\n"))
            var samples: [String: Int] = [:]
            var types: [String: String] = [:]
            var helped: Set<Substring> = []
            for line in page.split(separator: "\n") {
                if let match = line.wholeMatch(of: /# HELP ([a-z_]+) .+/) {
                    #expect(helped.insert(match.1).inserted, "\(line)")
                } else if let match = line.wholeMatch(of: /# TYPE ([a-z_]+) (counter|gauge)/) {
                    types[String(match.1)] = String(match.2)
                } else if let match = line.wholeMatch(of: /([a-z_]+)({[a-z_]+="[A-Za-z0-9_]+"})? ([0-9]+)/) {
                    let type = types[String(match.1)]
                    #expect(type != nil && helped.contains(match.1), "\(line)")
                    #expect((type == "counter") == match.1.hasSuffix("_total"), "\(line)")
                    let name = String(match.1) + (match.2.map(String.init) ?? "")
                    #expect(samples.updateValue(Int(match.3) ?? -1, forKey: name) == nil, "\(line) is there twice")
                } else {
                    Issue.record("not of the format: \(line)")
                }
            }
            return samples
        }
    }
}
