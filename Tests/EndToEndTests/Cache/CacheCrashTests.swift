// A server that is killed while it writes to disk, again and again.
import Foundation
import Synchronization
import Testing

extension EndToEnd {
    @Suite struct CacheCrashTests {
        /// What was seen by many at once.
        private final class Findings: Sendable {
            struct Counts {
                var hits = 0
                var whole = 0
                var cut = 0
                var wrong: [String] = []
            }

            private let all: Mutex<Counts> = Mutex(Counts())
            var counts: Counts { all.withLock { $0 } }

            func add(_ answer: HTTPAnswer, _ path: String, _ body: [UInt8], mustBeWhole: Bool) {
                let isWhole = answer.isWhole && answer.body.count == body.count
                let isRight =
                    answer.status == 200 && answer.body == (isWhole ? body : Array(body.prefix(answer.body.count)))
                all.withLock { counts in
                    if isWhole { counts.whole += 1 } else { counts.cut += 1 }
                    if isWhole, answer.isHit { counts.hits += 1 }
                    if !isRight || answer.isWhole != isWhole || (mustBeWhole && !isWhole) {
                        counts.wrong.append(
                            "\(path): \(answer.status), \(answer.body.count) of \(body.count), \(answer.cacheStatus)")
                    }
                }
            }

            func failed(_ what: String) { all.withLock { $0.wrong.append(what) } }
        }

        @Test func `killed fifty times while it writes, it serves nothing but what origins said`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["disk": "24MiB", "memory": "16MiB"])
                let pair = server.pair
                let sizes = [1000, 40_000, 65_536, 300_000, 1_100_000, 3 << 20]
                let bodies = (0..<36).map { index in
                    let path = "/\(index)"
                    return (path: path, body: Made.body(path, sizes[index % sizes.count] + index))
                }
                for (path, body) in bodies {
                    pair.origin.on(path, ScriptedAnswer(["Cache-Control: max-age=6000", "ETag: \"\(path)\""], body))
                }
                let findings = Findings()
                for round in 0..<50 {
                    try Self.check(pair, bodies, round, findings)
                    // All is written anew, then.
                    if round % 2 == 0 { try server.must(["purge", "*"]) }
                    try Self.kill(server, bodies, round, findings)
                    guard findings.counts.wrong.isEmpty else { break }
                }
                let counts = findings.counts
                Figures.show("kills while writing", "\(counts.whole) whole, \(counts.hits) kept, \(counts.cut) cut")
                #expect(counts.wrong.isEmpty, "\(counts.wrong.prefix(5))")
                #expect(counts.hits > 30 && counts.cut > 5, "\(counts)")
                server.waitForDisk()
                #expect(eventually(3) { server.bytesOnDisk <= 24 << 20 }, "\(server.bytesOnDisk)")
                let left = (try? FileManager.default.contentsOfDirectory(atPath: "\(server.directory)/new")) ?? ["?"]
                #expect(left.isEmpty, "\(left)")
            }
        }

        /// Some of what was fetched before, each twice; it comes whole, from wherever.
        private static func check(
            _ pair: CachePair, _ bodies: [(path: String, body: [UInt8])], _ round: Int, _ findings: Findings
        ) throws {
            let all = bodies
            let done = atOnce(4, seconds: 15) { index in
                let (path, body) = all[(round * 5 + index * 7) % all.count]
                do {
                    findings.add(try pair.ask(path), path, body, mustBeWhole: true)
                } catch {
                    findings.failed("round \(round), \(path): \(error)")
                }
            }
            if done.contains(where: { $0 == nil }) { findings.failed("round \(round): no answer") }
        }

        /// Many ask for all sorts, and in the middle of it the server is killed and started again.
        private static func kill(
            _ server: CacheServer, _ bodies: [(path: String, body: [UInt8])], _ round: Int, _ findings: Findings
        ) throws {
            let pair = server.pair
            let done = Tally()
            for index in 0..<6 {
                startThread {
                    defer { done.add() }
                    for step in 0..<4 {
                        let (path, body) = bodies[(round * 11 + index * 5 + step / 2) % bodies.count]
                        guard let answer = try? pair.ask(path) else { return }
                        findings.add(answer, path, body, mustBeWhole: false)
                    }
                }
            }
            pause(Double.random(in: 0...0.15))
            try server.users.restart(SIGKILL)
            if !eventually(15, { done.value == 6 }) { findings.failed("round \(round): a client waits for ever") }
        }
    }
}
