// Many ask for the same at once (RFC 9111 section 4: one request may serve several): one asks the origin, all read along.
import Foundation
import Synchronization
import Testing

extension EndToEnd {
    @Suite struct CacheCollapseTests {
        @Test func `a hundred who ask at once make one request, and all read along while it comes`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let body = Pattern.bytes(400_000)
                let gate = Gate()
                pair.origin.on(
                    "/a",
                    ScriptedAnswer(["Cache-Control: max-age=60"], body).with {
                        $0.delay = 0.5
                        $0.gate = gate
                    })
                let reading = Tally()
                startThread {
                    _ = eventually(10) { reading.value == 100 }
                    gate.open()
                }
                let answers = atOnce(100) { _ in
                    let tunnel = try pair.tunnel()
                    try tunnel.send(pair.request("/a"))
                    // A head and something of the body.
                    if tunnel.fill(10_000, Deadline(10)) { reading.add() }
                    return try tunnel.answer(seconds: 15)
                }
                #expect(reading.value == 100, "all get the first bytes before the origin has finished")
                #expect(answers.allSatisfy { $0?.body == body && $0?.isWhole == true })
                #expect(pair.origin.count("/a") == 1)
            }
        }

        @Test("who asks for what is not shared does not wait in line", arguments: ["no-store", "private", "max-age=0"])
        func apart(_ control: String) throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { _, count in
                    ScriptedAnswer.control(control, "\(count)").with { $0.delay = 0.7 }
                }
                for round in 1...2 {
                    let (answers, seconds) = timed { atOnce(10) { _ in try pair.ask("/a").text } }
                    #expect(Set(answers.compactMap { $0 }).count == 10, "each gets their own")
                    // Those who waited to see whether it is shared ask when they know.
                    #expect(seconds < 2.3, "round \(round): \(seconds) s")
                }
            }
        }

        @Test func `an old object is confirmed once for all who ask at once`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { _, count in
                    let fields = ["Cache-Control: max-age=\(count == 1 ? 0 : 60)", "ETag: \"1\""]
                    return count == 1 ? ScriptedAnswer(fields, "kept") : .notModified(fields).with { $0.delay = 0.5 }
                }
                try pair.ask("/a")
                let answers = atOnce(30) { _ in try pair.ask("/a").text }
                #expect(answers.allSatisfy { $0 == "kept" })
                #expect(pair.origin.count("/a") == 2, "\(pair.origin.count("/a"))")
            }
        }

        @Test func `who asked first may leave in the middle, and all others get everything`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let body = Pattern.bytes(400_000)
                let gate = Gate()
                pair.origin.on("/a", ScriptedAnswer(["Cache-Control: max-age=60"], body).with { $0.gate = gate })
                let first = try pair.tunnel()
                try first.send(pair.request("/a"))
                #expect(first.fill(1000, Deadline(5)))
                let leaver = first.socket
                startThread {
                    pause(0.5)
                    leaver.reset()
                    pause(0.3)
                    gate.open()
                }
                let answers = atOnce(20) { _ in try pair.ask("/a", seconds: 12) }
                #expect(answers.allSatisfy { $0?.body == body && $0?.isWhole == true })
                #expect(pair.origin.count("/a") == 1)
                #expect(try pair.ask("/a").isHit)
            }
        }

        @Test func `the only one leaves in the middle, and the next gets everything`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let body = Pattern.bytes(400_000)
                let gate = Gate()
                pair.origin.on("/a", ScriptedAnswer(["Cache-Control: max-age=60"], body).with { $0.gate = gate })
                let first = try pair.tunnel()
                try first.send(pair.request("/a"))
                #expect(first.fill(1000, Deadline(5)))
                first.socket.reset()
                pause(0.2)
                startThread {
                    pause(0.3)
                    gate.open()
                }
                let second = try pair.ask("/a")
                #expect(second.isWhole && second.body == body)
            }
        }

        @Test func `one who reads nothing holds up nobody`() throws {
            try onStage { stage in
                // One object is at most a sixteenth of the memory.
                let pair = try CachePair(stage, keys: ["memory": "1GiB"])
                let body = Pattern.bytes(30_000_000)
                pair.origin.on("/a", ScriptedAnswer(["Cache-Control: max-age=60"], body))
                let lazy = try pair.tunnel()
                try lazy.send(pair.request("/a"))
                #expect(lazy.fill(1000, Deadline(5)))
                let answers = atOnce(3) { _ in try pair.ask("/a", seconds: 15) }
                #expect(answers.allSatisfy { $0?.body.count == body.count && $0?.body == body })
                #expect(pair.origin.count("/a") == 1)
                let late = try lazy.answer(seconds: 15)
                #expect(late.isWhole && late.body == body)
            }
        }

        @Test func `an origin that breaks off leaves nobody with a part that looks whole`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let body = Pattern.bytes(200_000)
                pair.origin.on("/a") { _, _ in
                    ScriptedAnswer(["Cache-Control: max-age=60"], Array(body[..<100_000])).with {
                        $0.framing = .openChunks(1000)
                        $0.parts = 4
                        $0.rest = 0.15
                        $0.end = .closes
                    }
                }
                let answers = atOnce(20) { _ in try pair.ask("/a") }
                #expect(answers.allSatisfy { $0?.isWhole != true })
                #expect(answers.allSatisfy { $0 == nil || body.starts(with: $0?.body ?? []) })
                pair.origin.on("/a", ScriptedAnswer(["Cache-Control: max-age=60"], body))
                #expect(try pair.ask("/a").body == body)
            }
        }

        @Test func `who asks after an answer that is old at once has begun asks anew`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let gate = Gate()
                pair.origin.on("/a") { _, count in
                    let answer = ScriptedAnswer(["Cache-Control: max-age=0", "ETag: \"\(count)\""], "answer \(count)")
                    return count == 1 ? answer.with { $0.gate = gate } : answer
                }
                let first = try pair.tunnel()
                try first.send(pair.request("/a"))
                #expect(first.fill(50, Deadline(5)))
                startThread {
                    pause(1)
                    gate.open()
                }
                #expect(try pair.ask("/a").text == "answer 2")
                #expect(try first.answer().text == "answer 1")
            }
        }

        @Test("who reads along gets nobody's cookie", arguments: ["bypass", "strip"])
        func cookies(_ policy: String) throws {
            try onStage { stage in
                let pair = try CachePair(stage, keys: ["set_cookie": policy])
                pair.origin.on("/a") { _, count in
                    ScriptedAnswer(["Cache-Control: max-age=60", "Set-Cookie: id=\(count)"], "body").with {
                        $0.delay = 0.5
                    }
                }
                let answers = atOnce(10) { _ in try pair.ask("/a")["Set-Cookie"] }.compactMap { $0 }
                #expect(answers.count == 10)
                let cookies = answers.filter { !$0.isEmpty }
                #expect(Set(cookies).count == cookies.count, "\(cookies)")
            }
        }

        @Test func `those who want other codings, and those who ask for parts, are not given the wrong one`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { request, _ in
                    let coding = request.values("Accept-Encoding").joined()
                    return ScriptedAnswer(["Cache-Control: max-age=60", "Vary: Accept-Encoding"], "as \(coding)").with {
                        $0.delay = 0.4
                    }
                }
                let codings = ["gzip", "br", "identity", "gzip", "br", "identity"]
                let answers = atOnce(60) { index in
                    try pair.ask("/a", ["Accept-Encoding: \(codings[index % 6])"]).text
                }
                for (index, answer) in answers.enumerated() { #expect(answer == "as \(codings[index % 6])") }
                #expect(pair.origin.count("/a") <= 60)
            }
        }
    }
}

/// Counts what happens on several threads.
final class Tally: Sendable {
    private let count: Mutex<Int> = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
}
