// Machines whose clocks differ (SIP022 3.1.5), each told by its own program.
import Foundation
import Testing

/// The time of day of one process, shifted by libfaketime.
enum ShiftedClock {
    static func environment(_ seconds: Int) throws -> [String: String] {
        let places = ["x86_64", "aarch64"].map { "/usr/lib/\($0)-linux-gnu/faketime/libfaketime.so.1" }
        guard let library = places.first(where: FileManager.default.fileExists) else {
            throw HarnessError("there is no libfaketime (Debian: faketime); scripts/test installs it")
        }
        return [
            "LD_PRELOAD": library, "FAKETIME": "\(seconds < 0 ? "" : "+")\(seconds)s",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        ]
    }
}

extension EndToEnd {
    @Suite struct ClockTests {
        @Test("clocks that differ by less than thirty seconds do no harm", arguments: [-28, 28])
        func near(_ seconds: Int) throws {
            try needs(Pair.underTest.server.isOurs, "our clock")
            try onStage { stage in
                var options = PairOptions()
                options.serverClock = seconds
                let running = try stage.run(.underTest(.blake3AES256), options)
                try Interop.exerciseStreams(stage, running)
                try Interop.exerciseDatagrams(stage, running)
            }
        }

        @Test("clocks that differ by more are named in both logs, and nobody is reported for it", arguments: [-45, 45])
        func far(_ seconds: Int) throws {
            try needs(Pair.underTest.server.isOurs && Pair.underTest.client.isOurs, "our logs")
            try onStage { stage in
                let echo = try stage.echoOrigin()
                var options = PairOptions()
                options.serverClock = seconds
                let running = try stage.run(.underTest(.blake3AES256), options)
                let (server, client) = (try #require(running.server), try #require(running.client))
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(echo.endpoint))
                try socket.send("hello")
                #expect(
                    eventually(3) { server.errors.contains(/out of time.* seconds=-?4[456] status=ERR_CLOCK/) },
                    "\(server.tail)")
                #expect(echo.accepted == 0)
                #expect(server.refusals.isEmpty)
                #expect(eventually(20) { client.errors.contains("clock") }, "\(client.tail)")
            }
        }
    }
}
