// What is old: used while it is fetched anew, used when the origin fails, or not used (RFC 5861, RFC 9111 section 4.2.4).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheStaleTests {
        /// Until an answer with max-age=1 is old.
        private static let life = 2.1

        @Test func `what may be used while it is fetched anew comes at once, and is fetched once`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { _, count in
                    .control("max-age=\(count == 1 ? 1 : 60), stale-while-revalidate=60", "\(count)").with {
                        $0.delay = count == 1 ? 0 : 1
                    }
                }
                try pair.ask("/a")
                pause(Self.life)
                for _ in 1...5 {
                    let (answer, seconds) = try timed { try pair.ask("/a") }
                    #expect(answer.text == "1" && answer.isHit && seconds < 0.6, "\(seconds) s")
                    #expect((answer.age ?? 0) >= 2)
                }
                #expect(eventually(3) { (try? pair.ask("/a"))?.text == "2" })
                #expect(pair.origin.count("/a") == 2)
                #expect(try pair.ask("/a").isHit)
            }
        }

        @Test func `after that time who asks waits for the new one`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { _, count in .control("max-age=1, stale-while-revalidate=1", "\(count)") }
                try pair.ask("/a")
                pause(Self.life + 1)
                #expect(try pair.ask("/a").text == "2")
            }
        }

        @Test func `an error of the origin is hidden where it allows that`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let statuses = [500, 502, 503, 504]
                let validators = [[], ["ETag: \"1\""]]
                for (index, validator) in validators.enumerated() {
                    for status in statuses {
                        let fields = ["Cache-Control: max-age=1, stale-if-error=60"] + validator
                        pair.origin.on("/\(index)/\(status)") { _, count in
                            count == 1 ? ScriptedAnswer(fields, "kept\n") : .status("\(status) Broken")
                        }
                        try pair.ask("/\(index)/\(status)")
                    }
                }
                pause(Self.life)
                for (index, validator) in validators.enumerated() {
                    for status in statuses {
                        let hidden = try pair.ask("/\(index)/\(status)")
                        #expect(
                            hidden.status == 200 && hidden.text == "kept\n" && (hidden.age ?? 0) >= 2,
                            "\(status) \(validator): \(hidden.status) \(hidden.cacheStatus)")
                    }
                }
            }
        }

        @Test func `an error of the client's making is not hidden, and replaces what is kept`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { _, count in
                    count == 1
                        ? .control("max-age=1, stale-if-error=60") : .status("404 Gone", ["Cache-Control: max-age=60"])
                }
                try pair.ask("/a")
                pause(Self.life)
                #expect(try pair.ask("/a").status == 404)
                let last = try pair.ask("/a")
                #expect(last.status == 404 && last.isHit)
            }
        }

        @Test func `an origin that is gone leaves what is kept, unless it wanted to be asked`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let usable = ["max-age=1", "max-age=1, stale-if-error=60", "max-age=60"]
                let forbidden = [
                    "max-age=1, must-revalidate", "max-age=1, proxy-revalidate", "s-maxage=1", "no-cache",
                    "max-age=1, must-revalidate, stale-if-error=60",
                ]
                for (index, control) in (usable + forbidden).enumerated() {
                    let fields = ["Cache-Control: \(control)", "ETag: \"1\""]
                    pair.origin.on("/\(index)", ScriptedAnswer(fields, "kept\n"))
                    try pair.ask("/\(index)")
                }
                pause(Self.life)
                pair.origin.stop()
                for index in usable.indices {
                    let (answer, seconds) = try timed { try pair.ask("/\(index)") }
                    #expect(answer.status == 200 && answer.text == "kept\n", "\(usable[index]): \(answer.status)")
                    #expect(seconds < 2)
                }
                for (index, control) in forbidden.enumerated() {
                    let answer = try? pair.ask("/\(usable.count + index)")
                    #expect(answer?.status == 504, "\(control): \(answer?.status ?? 0) \(answer?.cacheStatus ?? "")")
                }
            }
        }

        @Test func `an origin that wants to be asked is, and its error is shown`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { _, count in
                    count == 1 ? .control("max-age=1, must-revalidate, stale-if-error=60") : .status("503 Broken")
                }
                try pair.ask("/a")
                pause(Self.life)
                #expect(try pair.ask("/a").status == 503)
            }
        }

        @Test func `a confirmation that breaks off leaves what is kept`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { _, count in
                    let fields = ["Cache-Control: max-age=1, stale-if-error=60", "ETag: \"\(count)\""]
                    return ScriptedAnswer(fields, "kept\n").with {
                        $0.end = count == 1 ? .keeps : .resets
                        $0.isMute = count > 1
                    }
                }
                try pair.ask("/a")
                pause(Self.life)
                let answer = try pair.ask("/a")
                #expect(answer.status == 200 && answer.text == "kept\n" && answer.isWhole)
            }
        }
    }
}
