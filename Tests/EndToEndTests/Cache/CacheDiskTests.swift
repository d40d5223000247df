// What is kept on disk: it outlasts the server, and nothing is believed that is not whole.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheDiskTests {
        private static let large = 3 << 20

        /// Changes the bytes of a file.
        private static func edit(_ path: String, _ change: (inout Data) -> Void) throws {
            let url = URL(fileURLWithPath: path)
            var data = try Data(contentsOf: url)
            change(&data)
            try data.write(to: url)
        }

        @Test(
            "what was asked for twice, and what is large, is there after the server's end",
            arguments: [SIGTERM, SIGKILL])
        func outlasts(_ signal: Int32) throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["disk": "64MiB"])
                server.waitForDisk()
                let pair = server.pair
                let fields = ["Cache-Control: max-age=600", "ETag: \"1\"", "X-Own: yes", "Content-Type: a/b"]
                pair.serve("/twice", 100_000, fields)
                pair.serve("/large", Self.large, fields)
                pair.serve("/empty", 0, ["Cache-Control: max-age=600"])
                try pair.fill("/twice")
                try pair.fill("/empty")
                try pair.fill("/large", times: 1)
                #expect(server.waitForFiles(3), "\(server.files)")
                for _ in 1...2 {
                    try server.restart(signal)
                    for (path, count) in [("/twice", 100_000), ("/large", Self.large), ("/empty", 0)] {
                        let answer = try pair.ask(path)
                        #expect(answer.isHit && answer.isWhole, "\(path): \(answer.cacheStatus)")
                        #expect(answer.body == Made.body(path, count) && answer.age != nil, "\(path)")
                        if count > 0 { #expect(answer["X-Own"] == "yes" && answer["Content-Type"] == "a/b") }
                    }
                    #expect(try pair.ask("/large", method: "HEAD")["Content-Length"] == "\(Self.large)")
                    #expect(try pair.ask("/large", ["If-None-Match: \"1\""]).status == 304)
                }
                #expect(pair.origin.requests.count == 3)
            }
        }

        @Test func `variants, ages and refusals are the same after the server's end`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["disk": "64MiB"])
                server.waitForDisk()
                let pair = server.pair
                pair.origin.on("/v") { request, count in
                    let language = request.values("Accept-Language").joined()
                    return ScriptedAnswer(
                        ["Cache-Control: max-age=600", "Vary: Accept-Language"], "\(language) \(count)")
                }
                pair.origin.on("/short") { _, count in
                    .control("max-age=2", "\(count)")
                }
                pair.origin.on("/mine") { _, count in .control("private, max-age=60", "\(count)") }
                for language in ["de", "fr", "de", "fr"] { try pair.ask("/v", ["Accept-Language: \(language)"]) }
                try pair.fill("/short")
                try pair.fill("/mine")
                #expect(server.waitForFiles(3), "\(server.files)")
                try server.restart(SIGKILL)
                #expect(try pair.ask("/v", ["Accept-Language: de"]).text == "de 1")
                #expect(try pair.ask("/v", ["Accept-Language: fr"]).text == "fr 2")
                #expect(try pair.ask("/v", ["Accept-Language: it"]).text == "it 3")
                #expect(try pair.ask("/mine").text == "3")
                pause(2)
                #expect(try pair.ask("/short").text == "2", "time goes on while nobody serves")
            }
        }

        @Test("what was changed or purged is not served again", arguments: [SIGTERM, SIGKILL])
        func forgotten(_ signal: Int32) throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["disk": "64MiB"])
                server.waitForDisk()
                let pair = server.pair
                let paths = ["/posted/s", "/posted/l", "/purged/s", "/purged/l"]
                for path in paths {
                    let body = Made.body(path, path.hasSuffix("l") ? Self.large : 1000)
                    pair.origin.on(path) { request, count in
                        request.method == "POST"
                            ? ScriptedAnswer([], "ok") : .init(["Cache-Control: max-age=600"], body)
                    }
                }
                // The second time it is only on disk that it is kept.
                for isOnDiskOnly in [false, true] {
                    for path in paths { try pair.fill(path) }
                    #expect(server.waitForFiles(4), "\(server.files)")
                    if isOnDiskOnly { try server.restart(signal) }
                    for path in paths.prefix(2) { try pair.ask(path, method: "POST", body: "x") }
                    let purged = try server.must(["purge", pair.url("/purged/*")])
                    #expect(purged.errors == "forgot 2 objects\n", "\(purged.errors)")
                    #expect(server.waitForFiles(0), "\(server.files)")
                    try server.restart(signal)
                    for path in paths {
                        let answer = try pair.ask(path)
                        #expect(!answer.isHit && answer.isWhole, "\(path), \(isOnDiskOnly): \(answer.cacheStatus)")
                    }
                }
            }
        }

        @Test("what is changed or purged while it is written stays forgotten", arguments: ["POST", "purge"])
        func race(_ how: String) throws {
            try onStage { stage in
                let server = try CacheServer(
                    stage, keys: ["disk": "1GiB", "memory": "256MiB", "max_object": "128MiB"])
                server.waitForDisk()
                let pair = server.pair
                let bodies = [Made.body("/old", 100_000_000), Made.body("/new", 1000)]
                pair.origin.on("/a") { request, count in
                    if request.method == "POST" { return ScriptedAnswer([], "ok") }
                    return ScriptedAnswer(["Cache-Control: max-age=600"], bodies[count == 1 ? 0 : 1])
                }
                // On one connection where it can be, so that no time is lost.
                let proxy = CurlFront.socks5h.arguments(pair.running.front)
                let change =
                    how == "POST"
                    ? proxy + ["-X", "POST", "-d", "", pair.url("/a")]
                    : [
                        "--unix-socket", server.users.socket, "-X", "DELETE",
                        "http://localhost/api/v1/cache?pattern=localhost",
                    ]
                let fetch = proxy + ["-o", "/dev/null", "-w", "%{size_download} ", pair.url("/a"), "--next", "-sS"]
                let result = try stage.curl(fetch + change, seconds: 20)
                #expect(result.status == 0 && result.output.hasPrefix("\(bodies[0].count) "), "\(result)")
                for round in 1...2 {
                    pause(0.7)
                    let answer = try pair.ask("/a", seconds: 20)
                    #expect(answer.body.count == 1000, "round \(round): \(answer.body.count) \(answer.cacheStatus)")
                }
            }
        }

        @Test func `what is changed or purged while a large directory is still being read stays forgotten`() throws {
            try onStage { stage in
                // In memory, where files are made quickly.
                let place = "/dev/shm/" + (stage.workspace.directory as NSString).lastPathComponent
                stage.atEnd { try? FileManager.default.removeItem(atPath: place) }
                let server = try CacheServer(stage, keys: ["disk": "100GiB", "directory": place])
                server.waitForDisk()
                let pair = server.pair
                pair.serve("/purged", 2 << 20)
                pair.serve("/posted", 2 << 20)
                for path in ["/purged", "/posted"] { try pair.fill(path, times: 1) }
                #expect(eventually(5) { CacheServer.files(place).count == 2 })
                server.process.signal(SIGTERM)
                #expect(server.process.wait(seconds: 10) != nil)
                let script = """
                    import os, sys
                    for folder in range(256):
                        place = '%s/%02x' % (sys.argv[1], folder)
                        os.makedirs(place, exist_ok=True)
                        for n in range(500):
                            open('%s/%02x%014x-%x-64' % (place, folder, n, folder * 500 + n + 10), 'w').close()
                    """
                let made = try stage.run(Tool.python3.path(), ["-c", script, place])
                #expect(made.exit == .status(0), "\(made.errors)")
                try server.users.restart()
                try pair.ask("/posted", method: "POST", body: "x")
                let purge = ["--unix-socket", server.users.socket, "-X", "DELETE"]
                let result = try stage.curl(purge + ["http://localhost/api/v1/cache?pattern=*/purged"])
                #expect(result.status == 0, "\(result)")
                server.waitForDisk()
                for path in ["/purged", "/posted"] {
                    let answer = try pair.ask(path)
                    #expect(!answer.isHit && answer.isWhole, "\(path): \(answer.cacheStatus)")
                }
            }
        }

        /// Where a file of 3 MiB is damaged, and how.
        enum Damage: String, CaseIterable, Sendable {
            case magic, head, middle, lastBlock, sums, cut, empty, longer, zeros

            func apply(to data: inout Data) {
                switch self {
                case .magic: data[3] ^= 1
                case .head: data[40] ^= 0x20
                case .middle: data[data.count / 2] ^= 0x80
                case .lastBlock: data[data.count - 2000] ^= 1
                case .sums: data[data.count - 9] ^= 1
                case .cut: data.removeLast(data.count / 3)
                case .empty: data = Data()
                case .longer: data += Data(repeating: 0x41, count: 8)
                case .zeros: data.resetBytes(in: 1_000_000..<1_004_096)
                }
            }
        }

        @Test func `a damaged file is never delivered, and the next who asks gets everything`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["disk": "64MiB"])
                server.waitForDisk()
                let pair = server.pair
                var places: [Damage: String] = [:]
                for damage in Damage.allCases {
                    let before = Set(server.files)
                    pair.serve("/\(damage)", Self.large)
                    try pair.fill("/\(damage)", times: 1)
                    #expect(server.waitForFiles(before.count + 1))
                    places[damage] = Set(server.files).subtracting(before).first
                }
                try server.restart {
                    for (damage, path) in places { try Self.edit(path, damage.apply) }
                }
                for damage in Damage.allCases {
                    let body = Made.body("/\(damage)", Self.large)
                    let first = try pair.ask("/\(damage)")
                    #expect(first.body == Array(body.prefix(first.body.count)), "\(damage): foreign bytes")
                    #expect(first.isWhole == (first.body.count == body.count), "\(damage): \(first.body.count)")
                    let isServed = ![.magic, .head, .cut, .empty].contains(damage)
                    #expect(isServed || (first.isWhole && !first.isHit), "\(damage): \(first.cacheStatus)")
                    let second = try pair.ask("/\(damage)")
                    #expect(second.isWhole && second.body == body, "\(damage): \(second.body.count)")
                    #expect(try pair.ask("/\(damage)").isHit, "\(damage)")
                }
            }
        }

        @Test func `a small object whose file is damaged comes from the origin`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["disk": "64MiB"])
                server.waitForDisk()
                server.pair.serve("/a", 200_000)
                try server.pair.fill("/a")
                #expect(server.waitForFiles(1))
                let path = try #require(server.files.first)
                try server.restart(between: { try Self.edit(path) { $0[$0.count / 2] ^= 1 } })
                for isHit in [false, true] {
                    let answer = try server.pair.ask("/a")
                    #expect(answer.isWhole && answer.body == Made.body("/a", 200_000) && answer.isHit == isHit)
                }
            }
        }

        @Test func `one object's file under another's name is not taken for it`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["disk": "64MiB"])
                server.waitForDisk()
                var places: [String] = []
                for path in ["/a", "/b"] {
                    server.pair.serve(path, Self.large)
                    try server.pair.fill(path, times: 1)
                    #expect(server.waitForFiles(places.count + 1))
                    places += Set(server.files).subtracting(places)
                }
                try server.restart {
                    let other = places[0] + ".x"
                    for (from, to) in [(places[0], other), (places[1], places[0]), (other, places[1])] {
                        #expect(rename(from, to) == 0)
                    }
                }
                for path in ["/a", "/b", "/a", "/b"] {
                    #expect(try server.pair.ask(path).body == Made.body(path, Self.large))
                }
            }
        }
    }
}
