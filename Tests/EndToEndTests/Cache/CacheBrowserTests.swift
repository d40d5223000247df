// A real browser over HTTP that is kept: what is fresh comes without the site, and what must be asked for is.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheBrowserTests {
        @Test("Chromium shows a page from what is kept", arguments: ["socks5", "http"])
        func chromium(_ scheme: String) throws {
            try onStage { stage in
                let pair = try CachePair(stage, others: ["log": ["level": "debug"]])
                let fresh = Self.serve(pair)
                for round in 1...3 {
                    let page = try Self.load(stage, pair, "\(scheme)://\(pair.running.front)")
                    let images = Array(repeating: "1", count: 3) + Array(repeating: "40", count: 3)
                    let line = "images \(images.joined(separator: " ")), colour rgb(1, 2, 3), asked \(round)"
                    #expect(page.output.contains("static text"), "\(page.errors.suffix(2000))")
                    #expect(page.output.contains(line), "\(page.output)")
                }
                let lines = try #require(pair.running.server).errorLines
                var hits = 0
                for path in fresh {
                    let sources = lines.filter { $0.contains(" path=\(path) ") }.compactMap {
                        $0.firstMatch(of: /source=([a-z-]+)/).map { String($0.1) }
                    }
                    let misses = sources.filter { $0 != "hit" }
                    #expect(misses.count <= 1, "\(path): \(sources)")
                    // A connection that the browser opens ahead and leaves silent goes past the cache.
                    #expect(pair.origin.count(path) <= misses.count + 3 - sources.count, "\(path): \(sources)")
                    hits += sources.count - misses.count
                }
                Figures.show("Chromium over \(scheme)", "\(hits) of \(2 * fresh.count) from what is kept")
                #expect(hits >= fresh.count)
                #expect(pair.origin.count("/asked.js") == 3)
            }
        }

        /// A page with all that it needs; the paths that are asked for once.
        private static func serve(_ pair: CachePair) -> [String] {
            var answers: [String: (type: String, body: [UInt8])] = [
                "/page": ("text/html", Array(page.utf8)),
                "/style.css": ("text/css", Array("#styled { color: rgb(1, 2, 3); background: url(/back.svg) }".utf8)),
                "/app.js": ("text/javascript", Array(script.utf8)),
                "/back.svg": ("image/svg+xml", image(1)),
            ]
            for index in 0..<3 {
                answers["/\(index).png"] = ("image/png", [UInt8](Data(base64Encoded: pixel) ?? Data()))
                answers["/\(index).svg"] = ("image/svg+xml", image(100_000 * (index + 1)))
            }
            for (path, (type, body)) in answers {
                let fields = ["Cache-Control: max-age=600", "Content-Type: \(type)", "Vary: Accept-Encoding"]
                pair.origin.on(path, ScriptedAnswer(fields, body))
            }
            pair.origin.on("/asked.js") { _, count in
                ScriptedAnswer(["Cache-Control: no-store", "Content-Type: text/javascript"], "var asked = \(count)")
            }
            return answers.keys.sorted()
        }

        /// What the page is after its script, in a browser that has seen nothing before.
        private static func load(_ stage: Stage, _ pair: CachePair, _ proxy: String) throws -> Finished {
            try stage.run(
                Tool.chromium.path(),
                [
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                    "--disable-background-networking", "--disable-component-update", "--disable-sync",
                    "--user-data-dir=\(stage.workspace.unusedPath("profile"))", "--proxy-server=\(proxy)",
                    "--proxy-bypass-list=<-loopback>", "--virtual-time-budget=5000", "--dump-dom", pair.url("/page"),
                ], seconds: 40)
        }

        private static let page = """
            <!DOCTYPE html><title>kept page</title><link rel="stylesheet" href="/style.css">
            <body><p id="styled">static text</p>
            <img src="/0.png"><img src="/1.png"><img src="/2.png"><img src="/0.svg"><img src="/1.svg"><img src="/2.svg">
            <script src="/asked.js"></script><script src="/app.js"></script></body>
            """

        private static let script = """
            addEventListener('load', () => {
                const images = [...document.images].map(one => one.naturalWidth).join(' ')
                const colour = getComputedStyle(document.getElementById('styled')).color
                const line = 'images ' + images + ', colour ' + colour + ', asked ' + asked
                document.body.insertAdjacentHTML('beforeend', '<p>' + line + '</p>')
            })
            """

        /// One pixel.
        private static let pixel =
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
            + "RU5ErkJggg=="

        /// An image of 40 by 30 with so many bytes in a comment.
        private static func image(_ count: Int) -> [UInt8] {
            let padding = String(repeating: "x", count: count)
            return Array(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"30\"><!--\(padding)--></svg>".utf8)
        }
    }
}
