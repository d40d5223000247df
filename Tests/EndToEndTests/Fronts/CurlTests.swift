// curl over every front of the one local port (contract.md, "one mixed port").
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CurlTests {
        @Test("a page is fetched", arguments: CurlFront.allCases)
        func page(_ front: CurlFront) throws {
            try onStage { stage in
                let running = try stage.runUnderTest(with: front)
                let origin = try stage.httpOrigin()
                let host = front.sendsNames ? "localhost" : "127.0.0.1"
                let result = try stage.curl(front.arguments(running.front) + [origin.url("/hello", host: host)])
                #expect(result.status == 0, "\(result.errors)")
                #expect(result.output == "hello\n")
                #expect(origin.requests.map(\.path) == ["/hello"])
            }
        }

        @Test("a body is posted, with its length and in chunks", arguments: CurlFront.allCases)
        func post(_ front: CurlFront) throws {
            try onStage { stage in
                let running = try stage.runUnderTest(with: front)
                let origin = try stage.httpOrigin()
                let size = 300_000
                let file = stage.workspace.unusedPath("body")
                try Data(Pattern.bytes(size)).write(to: URL(fileURLWithPath: file))
                for extra in [[], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]] {
                    let arguments = front.arguments(running.front) + extra + ["--data-binary", "@\(file)"]
                    let result = try stage.curl(arguments + [origin.url("/digest")])
                    #expect(result.status == 0, "\(extra): \(result.errors)")
                    #expect(result.output == "\(size) \(Pattern.digest(size))\n", "\(extra)")
                }
            }
        }

        @Test("100 MB go down and up unharmed", arguments: [CurlFront.socks5h, .http])
        func bulk(_ front: CurlFront) throws {
            try onStage { stage in
                let running = try stage.runUnderTest(with: front)
                let origin = try stage.httpOrigin()
                let size = 100_000_000
                let proxy = front.arguments(running.front)
                let file = stage.workspace.unusedPath("bulk")
                let (down, downSeconds) = try timed {
                    try stage.curl(proxy + ["-o", file, origin.url("/bytes/\(size)")], seconds: 40)
                }
                #expect(down.status == 0, "\(down.errors)")
                #expect(try Self.digest(ofFile: file) == "\(size) \(Pattern.digest(size))\n")
                let (up, upSeconds) = try timed {
                    try stage.curl(proxy + ["-T", file, origin.url("/digest")], seconds: 40)
                }
                #expect(up.status == 0, "\(up.errors)")
                #expect(up.output == "\(size) \(Pattern.digest(size))\n")
                Figures.show("100 MB over \(front)", "down \(downSeconds.rounded2) s, up \(upSeconds.rounded2) s")
            }
        }

        private static func digest(ofFile path: String) throws -> String {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            let digest = Digest()
            while let part = try file.read(upToCount: 1 << 20), !part.isEmpty { digest.add([UInt8](part)) }
            return "\(digest.count) \(digest.hex())\n"
        }
    }
}

extension Stage {
    /// The pair under test, or the skip when its client has no such front.
    func runUnderTest(with front: CurlFront, _ options: PairOptions = PairOptions()) throws -> RunningPair {
        try needs(Pair.underTest.client.fronts.contains(front.front), "no \(front.front) front")
        return try run(Pair.underTest, options)
    }
}

/// Measurements worth reading in the test's output.
enum Figures {
    static func show(_ what: String, _ value: String) { print("figure: \(what): \(value)") }
}

extension Double {
    var rounded2: String { String(format: "%.2f", self) }
}
