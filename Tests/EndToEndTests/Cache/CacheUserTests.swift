// What a user may use counts for what is kept as well; what the log says of each request.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheUserTests {
        /// A client of that user for the same origin.
        private static func pair(_ server: CacheServer, _ name: String, _ flags: [String] = []) throws -> CachePair {
            let client = try server.users.client(server.users.add(name, flags))
            return CachePair(server.users.stage, server.origin, client.running)
        }

        @Test func `a quota counts what comes from the cache`() throws {
            try onStage { stage in
                let server = try CacheServer(stage)
                let alice = try Self.pair(server, "alice", ["--quota", "500KB"])
                let bob = try Self.pair(server, "bob")
                alice.serve("/a", 200_000)
                try bob.fill("/a")
                let before = try server.users.number("bytes_down", of: "bob")
                #expect((400_000...402_000).contains(before), "\(before)")
                for _ in 1...2 { #expect(try alice.ask("/a").isHit) }
                let used = try server.users.number("bytes_down", of: "alice")
                #expect((400_000...402_000).contains(used), "\(used)")
                let large = Made.body("/large", 8 << 20)
                alice.serve("/large", large.count)
                try bob.fill("/large", times: 1)
                let cut = try? alice.ask("/large", seconds: 5)
                #expect(cut?.isWhole != true, "the quota ends in the middle")
                #expect((cut?.body.count ?? 0) < 1_500_000, "\(cut?.body.count ?? 0)")
                // What does not come from the cache ends within some buffers of it, too.
                let counted = try server.users.number("bytes_down", of: "alice")
                #expect((500_000..<1_500_000).contains(counted), "\(counted)")
                #expect(cut.map { Array(large.prefix($0.body.count)) == $0.body } ?? true)
                #expect(try server.users.user("alice")["state"] as? String == "quota used up")
                #expect((try? alice.ask("/a", seconds: 3))?.status != 200)
                #expect(!server.users.refusals(of: "alice").isEmpty)
                #expect(try bob.ask("/a").isHit)
                try server.users.must(["limit", "alice", "--quota", "none"])
                #expect(try alice.ask("/a").body == Made.body("/a", 200_000))
                #expect(server.origin.count("/a") == 1)
            }
        }

        @Test("a rate holds for what is kept, in memory and on disk", arguments: [false, true])
        func rate(_ isOnDisk: Bool) throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: isOnDisk ? ["disk": "64MiB", "memory": "2MiB"] : [:])
                if isOnDisk { server.waitForDisk() }
                let slow = try Self.pair(server, "alice", ["--rate", "300KiB"])
                let free = try Self.pair(server, "bob")
                let size = isOnDisk ? 1_200_000 : 800_000
                free.serve("/a", size)
                try free.fill("/a", times: 1)
                if isOnDisk { #expect(server.waitForFiles(1)) }
                let (answer, seconds) = try timed { try slow.ask("/a", seconds: 20) }
                #expect(answer.isHit && answer.body == Made.body("/a", size))
                Figures.show("\(size) kept bytes at 300 KiB/s", "\(seconds) s")
                #expect(seconds > 1 && seconds < 10)
                let (other, quick) = try timed { try free.ask("/a") }
                #expect(other.isHit && quick < 1, "\(quick) s")
                #expect(server.origin.count("/a") == 1)
            }
        }

        @Test func `a rate does not slow down others who read the same as it comes`() throws {
            try onStage { stage in
                let server = try CacheServer(stage)
                let slow = try Self.pair(server, "alice", ["--rate", "300KiB"])
                let free = try Self.pair(server, "bob")
                let body = Made.body("/a", 1_500_000)
                free.origin.on("/a") { _, _ in
                    ScriptedAnswer(["Cache-Control: max-age=60"], body).with {
                        $0.parts = 10
                        $0.rest = 0.05
                    }
                }
                let first = try slow.tunnel()
                try first.send(slow.request("/a"))
                #expect(first.fill(1000, Deadline(5)))
                let (answer, seconds) = try timed { try free.ask("/a", seconds: 10) }
                #expect(answer.body == body && seconds < 2.5, "\(seconds) s")
                #expect(try first.answer(seconds: 20).body == body)
                #expect(server.origin.count("/a") == 1)
            }
        }

        @Test func `at level debug the log has a line for each request, with its source, bytes and time`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, others: ["log": ["level": "debug"]])
                let pair = server.pair
                pair.serve("/a", 5000)
                pair.serve("/never", 70, ["Cache-Control: no-store"])
                pair.serve("/ask", 90, ["Cache-Control: no-cache", "ETag: \"1\""])
                pair.origin.on("/ask") { _, count in
                    let fields = ["Cache-Control: no-cache", "ETag: \"1\""]
                    return count == 1 ? ScriptedAnswer(fields, Made.body("/ask", 90)) : .notModified(fields)
                }
                try pair.fill("/a")
                try pair.fill("/never", times: 1)
                try pair.fill("/ask")
                try pair.ask("/a", method: "HEAD")
                func lines() -> [String] { server.process.errorLines.filter { $0.contains("path=") } }
                #expect(eventually(3) { lines().count >= 6 })
                let expected = [
                    ("/a", 5000), ("/a", 5000), ("/never", 70), ("/ask", 90), ("/ask", 90), ("/a", 0),
                ]
                #expect(lines().count == expected.count, "\(lines())")
                for (line, (path, bytes)) in zip(lines(), expected) {
                    #expect(line.contains("target=localhost:\(pair.port)") && line.contains("path=\(path) "), "\(line)")
                    #expect(line.contains("bytes=\(bytes) ") && line.firstMatch(of: /ms=[0-9]+/) != nil, "\(line)")
                }
                let sources = lines().map { $0.firstMatch(of: /source=([^ ]+)/).map { String($0.1) } ?? "" }
                #expect(sources.count == 6 && sources[0] != sources[1] && sources[1] == sources[5], "\(sources)")
                #expect(sources.count == 6 && sources[3] != sources[4] && !sources.contains(""), "\(sources)")
            }
        }
    }
}
