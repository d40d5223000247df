// Downloads that break off: a program behind the proxy must not take a part for the whole.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct TruncationTests {
        private static let count = 1_000_000

        /// How the tunnel is hurt in the middle of the answer.
        enum Harm: String, CaseIterable, Sendable {
            case altered, cut, none
        }

        /// Starts our pair with a tap in between.
        private func run(_ stage: Stage, _ harm: Harm) throws -> RunningPair {
            let port = try Ports.free()
            let server = Endpoint("127.0.0.1", port)
            let mode: Tap.Mode =
                switch harm {
                case .altered: .alter(server, at: Self.count / 2)
                case .cut: .cut(server, at: Self.count / 2)
                case .none: .forward(server)
                }
            let tap = try stage.tap(mode)
            var options = PairOptions()
            options.serverPort = port
            options.serverPortSeenByClient = tap.endpoint.port
            return try stage.run(Pair.underTest, options)
        }

        @Test("a body that only the close ends fails where the tunnel was hurt", arguments: Harm.allCases)
        func untilClose(_ harm: Harm) throws {
            try needs(Pair.underTest.client.isOurs, "only ours promises this")
            try onStage { stage in
                let running = try run(stage, harm)
                let origin = try stage.httpOrigin()
                let socket = try Socket.connected(to: running.front)
                try socket.send("GET \(origin.url("/rest/\(Self.count)")) HTTP/1.1\r\nHost: a\r\n\r\n")
                switch harm {
                case .altered, .cut:
                    #expect(throws: SocketError.reset) { try socket.receiveToEnd() }
                    let result = try stage.curl(
                        [origin.url("/rest/\(Self.count)"), "-o", "/dev/null"]
                            + CurlFront.http.arguments(running.front))
                    #expect(result.status != 0)
                case .none:
                    #expect(try socket.receiveToEnd().count > Self.count)
                }
            }
        }

        @Test("a counted body fails where the tunnel was hurt", arguments: [Harm.altered, .cut], CurlFront.allCases)
        func counted(_ harm: Harm, _ front: CurlFront) throws {
            try needs(Pair.underTest.client.isOurs, "only ours promises this")
            try onStage { stage in
                let running = try run(stage, harm)
                let origin = try stage.httpOrigin()
                let result = try stage.curl(
                    [origin.url("/bytes/\(Self.count)"), "-o", "/dev/null"] + front.arguments(running.front))
                #expect(result.status != 0)
            }
        }

        @Test("a program that stops fails downloads that only the close would end", arguments: OurCommand.allCases)
        func stopped(_ command: OurCommand) throws {
            try needs(Pair.underTest.client.isOurs && Pair.underTest.server.isOurs, "only ours promises this")
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let process = try #require(command == .sslocal ? running.client : running.server)
                let origin = try stage.httpOrigin()
                let downloads = try CurlFront.allCases.map { front in
                    try stage.startCurl([origin.url("/endless")] + front.arguments(running.front))
                }
                pause(1)
                process.signal(SIGTERM)
                for (front, curl) in zip(CurlFront.allCases, downloads) {
                    // "Failure in receiving network data", never a download that is done.
                    #expect(curl.wait(seconds: 12) == .status(56), "\(front)")
                    #expect(curl.output.contains(".."), "\(front)")
                }
                #expect(process.wait(seconds: 10) == .status(0))
            }
        }
    }
}
