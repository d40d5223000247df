// Nobody but root may look at the memory of a process that holds keys, and no core file holds it.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct MemoryTests {
        /// Runs what follows as somebody who is not root, whom the kernel would otherwise let look at his own processes.
        private static let unprivileged = ["--reuid=65534", "--regid=65534", "--clear-groups"]

        @Test(
            "no other process of the same user can read it, and no core file is written", arguments: OurCommand.allCases
        )
        func memory(_ command: OurCommand) throws {
            try needs(getuid() == 0, "only root can become somebody else")
            try onStage { stage in
                let setpriv = "/usr/bin/setpriv"
                let program = try command.tool.path()
                let probe = try stage.run(setpriv, Self.unprivileged + [program, "--version"])
                try needs(probe.exit == .status(0), "\(program) is in a directory that is root's alone")
                let ports = try ConfigPorts()
                let process = try stage.start(
                    setpriv,
                    Self.unprivileged + [
                        program, "-s", "127.0.0.1:\(ports.server)", "-b", "127.0.0.1:\(ports.local)",
                        "-m", "aes-256-gcm", "-k", RunningPair.key,
                    ])
                try process.waitUntilListening([command.port(ports)])
                var status = stat()
                #expect(stat("/proc/\(process.pid)/status", &status) == 0)
                #expect(status.st_uid == 0, "the kernel gives it to root")
                let limits = FileManager.default.contents(atPath: "/proc/\(process.pid)/limits") ?? Data()
                let core = String(decoding: limits, as: UTF8.self).split(separator: "\n").first { $0.contains("core") }
                #expect(core?.split(separator: " ").suffix(3) == ["0", "0", "bytes"])
                let list = FileManager.default.contents(atPath: "/proc/\(process.pid)/cmdline") ?? Data()
                #expect(!String(decoding: list, as: UTF8.self).contains(RunningPair.key))
            }
        }
    }
}
