// Parts of an object that is still on its way to somebody who wants all of it (RFC 9110 section 13.1.5).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheGrowingTests {
        /// What is asked for, and the tag on which that depends.
        private struct Wish: Sendable {
            let range: String
            let condition: String?

            var fields: [String] { ["Range: bytes=\(range)"] + (condition.map { ["If-Range: \($0)"] } ?? []) }

            /// Where the part begins and ends in so many bytes.
            func bounds(_ count: Int) -> Range<Int> {
                let numbers = range.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
                guard let first = numbers[0] else { return count - (numbers[1] ?? 0)..<count }
                return first..<(numbers[1].map { $0 + 1 } ?? count)
            }
        }

        /// The object as it is, and as it is after a change.
        private static func body(_ version: Int, _ count: Int) -> [UInt8] { Made.body("/version/\(version)", count) }

        /// What an origin says that has this version now.
        private static func answer(_ request: OriginRequest, _ version: Int, _ count: Int) -> ScriptedAnswer {
            let fields = ["Cache-Control: max-age=60", "ETag: \"\(version)\""]
            let body = body(version, count)
            guard let range = request.values("Range").first,
                request.values("If-Range").allSatisfy({ $0 == "\"\(version)\"" })
            else { return ScriptedAnswer(fields, body) }
            let part = Wish(range: String(range.dropFirst(6)), condition: nil).bounds(count)
            let place = "Content-Range: bytes \(part.lowerBound)-\(part.upperBound - 1)/\(count)"
            return ScriptedAnswer(fields + [place], Array(body[part])).with { $0.status = "206 Partial Content" }
        }

        /// Whether it is all of one version, or just the part of it that was asked for under a condition that holds.
        private static func check(_ answer: HTTPAnswer, _ wish: Wish, _ count: Int, _ context: Comment) {
            guard let version = Int(answer["ETag"].trimmingCharacters(in: ["\""])) else {
                Issue.record("\(context): \(answer.status) with the tag \(answer["ETag"])")
                return
            }
            let body = body(version, count)
            #expect(answer.isWhole && [200, 206].contains(answer.status), context)
            // Where a comparison of so many bytes fails it would be shown, which takes for ever.
            let isRight: Bool
            if answer.status == 206 {
                let part = wish.bounds(count)
                #expect(
                    answer["Content-Range"] == "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(count)", context)
                isRight = answer.body == Array(body[part])
                #expect(wish.condition == nil || wish.condition == "\"\(version)\"", context)
            } else {
                isRight = answer.body == body
            }
            #expect(isRight, context)
        }

        @Test(
            "a part of what is still coming is of one version, as is the whole", arguments: [400_000, 4 << 20],
            [false, true])
        func parts(_ count: Int, _ changes: Bool) throws {
            try onStage { stage in
                let server = try CacheServer(
                    stage, keys: ["memory": "8MiB", "disk": "256MiB", "max_object": "128MiB"])
                server.waitForDisk()
                let pair = server.pair
                let gate = Gate()
                pair.origin.on("/a") { request, asked in
                    let answer = Self.answer(request, asked > 1 && changes ? 2 : 1, count)
                    return asked == 1 ? answer.with { $0.gate = gate } : answer
                }
                let whole = try pair.tunnel()
                try whole.send(pair.request("/a"))
                #expect(whole.fill(10_000, Deadline(8)), "the first half comes at once")
                let ranges = ["0-0", "100-1099", "\(count / 2 - 500)-\(count / 2 + 499)", "\(count - 2000)-", "-1000"]
                let wishes = ranges.flatMap { range in
                    [nil, "\"1\"", "\"2\"", "W/\"1\""].map { Wish(range: range, condition: $0) }
                }
                let done = Tally()
                startThread {
                    // Whether they wait for the rest or ask for themselves is not said here.
                    _ = eventually(1.5) { done.value == wishes.count }
                    gate.open()
                }
                let answers = atOnce(wishes.count, seconds: 30) { index in
                    let answer = try pair.ask("/a", wishes[index].fields, seconds: 25)
                    done.add()
                    return answer
                }
                for (answer, wish) in zip(answers, wishes) {
                    let answer = try #require(answer, "\(wish)")
                    Self.check(answer, wish, count, "\(wish): \(answer.status) \(answer.cacheStatus)")
                }
                let first = try whole.answer(seconds: 20)
                let isRight = first.body == Self.body(1, count)
                #expect(first.isWhole && first["ETag"] == "\"1\"" && isRight)
                for wish in wishes {
                    let answer = try pair.ask("/a", wish.fields)
                    Self.check(answer, wish, count, "then \(wish): \(answer.status) \(answer.cacheStatus)")
                }
            }
        }
    }
}
