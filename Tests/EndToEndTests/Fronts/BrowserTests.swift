// A real browser, headless, loads a page and runs its script through the proxy.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct BrowserTests {
        @Test("Chromium loads a local page", arguments: ["socks5", "http"])
        func chromium(_ scheme: String) throws {
            let front: Front = scheme == "http" ? .http : .socks5
            try needs(Pair.underTest.client.fronts.contains(front), "no \(front) front")
            try onStage { stage in
                let browser = try Tool.chromium.path()
                let server = try Ports.free()
                let tap = try stage.tap(.forward(Endpoint("127.0.0.1", server)))
                let running = try stage.run(Pair.underTest, through: tap, serverPort: server)
                let origin = try stage.httpOrigin()
                let profile = stage.workspace.unusedPath("profile")
                let (finished, seconds) = try timed {
                    try stage.run(
                        browser,
                        [
                            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                            "--no-first-run", "--disable-background-networking", "--disable-component-update",
                            "--disable-sync", "--user-data-dir=\(profile)",
                            "--proxy-server=\(scheme)://\(running.front)",
                            // Loopback bypasses proxies unless this says otherwise.
                            "--proxy-bypass-list=<-loopback>",
                            "--virtual-time-budget=5000", "--dump-dom", origin.url("/page", host: "localhost"),
                        ], seconds: 40)
                }
                #expect(finished.output.contains("static text"), "\(finished.errors.suffix(2000))")
                #expect(finished.output.contains("made by 42"), "the script ran")
                let paths = Set(origin.requests.map(\.path))
                #expect(paths.isSuperset(of: ["/page", "/app.js"]))
                #expect(tap.recorded.count > 0, "and all of it went through the tunnel")
                Figures.show("Chromium over \(scheme)", "\(seconds.rounded2) s")
            }
        }
    }
}
