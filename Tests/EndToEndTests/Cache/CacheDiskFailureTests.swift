// A cache directory that is full of rubbish, full, read-only, somebody else's, or none.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheDiskFailureTests {
        /// Every path gives its body, twice.
        private static func expectAnswers(_ pair: CachePair, _ sizes: [Int], _ context: String = "") throws {
            for (index, size) in sizes.enumerated() { pair.serve("/\(context)/\(index)", size) }
            for _ in 1...3 {
                for (index, size) in sizes.enumerated() {
                    let path = "/\(context)/\(index)"
                    let answer = try pair.ask(path)
                    #expect(answer.isWhole && answer.body == Made.body(path, size), "\(context) \(size)")
                }
            }
        }

        @Test func `rubbish in the directory neither stops the server nor is served`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["disk": "64MiB"])
                server.waitForDisk()
                try Self.expectAnswers(server.pair, [1000, 100_000, 2 << 20], "before")
                #expect(server.waitForFiles(3))
                let known = try #require(server.files.first)
                let folder = (known as NSString).deletingLastPathComponent
                let hash = String((known as NSString).lastPathComponent.prefix(16))
                try server.restart(SIGKILL) {
                    let noise = Data((0..<5000).map { _ in UInt8.random(in: 0...255) })
                    for name in [
                        "\(folder)/\(hash)-7-1388", "\(folder)/\(hash)-8-0", "\(folder)/\(hash)-zz-10", "\(folder)/x",
                        "\(folder)/\(hash)", "\(folder)/-1-1", "\(server.directory)/noise", "\(server.directory)/new/x",
                        "\(server.directory)/new/\(hash)-9-1388",
                    ] { try noise.write(to: URL(fileURLWithPath: name)) }
                    try Data().write(to: URL(fileURLWithPath: "\(folder)/\(hash)-a-1388"))
                    let files = FileManager.default
                    try files.createDirectory(
                        atPath: "\(folder)/\(hash)-b-1000", withIntermediateDirectories: false)
                    try files.createSymbolicLink(
                        atPath: "\(folder)/\(hash)-c-1000", withDestinationPath: "/dev/zero")
                    try files.createSymbolicLink(
                        atPath: "\(folder)/\(hash)-d-1000", withDestinationPath: "/nowhere")
                    for number in 0..<256 where number % 16 == 0 {
                        let path = "\(server.directory)/" + String(format: "%02x", number)
                        if !files.fileExists(atPath: path) { try noise.write(to: URL(fileURLWithPath: path)) }
                    }
                }
                try Self.expectAnswers(server.pair, [1000, 100_000, 2 << 20], "before")
                try Self.expectAnswers(server.pair, Array(repeating: 3000, count: 40), "after")
                #expect(server.process.isRunning, "\(server.process.tail)")
            }
        }

        @Test(
            "a file whose name has numbers beyond all measure stops nothing",
            arguments: ["1-7fffffffffffffff", "1-7ffffffffffff001", "fffffffffffffffe-1000", "ffffffffffffffff-1000"])
        func numbers(_ name: String) throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["disk": "64MiB"])
                server.waitForDisk()
                try Self.expectAnswers(server.pair, [2 << 20], "before")
                #expect(server.waitForFiles(1))
                let known = try #require(server.files.first)
                let folder = (known as NSString).deletingLastPathComponent
                let hash = String((known as NSString).lastPathComponent.prefix(16))
                try server.restart {
                    try Data("x".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(hash)-\(name)"))
                }
                try Self.expectAnswers(server.pair, [2 << 20], "before")
                try Self.expectAnswers(server.pair, [1000, 2 << 20, 2 << 20], "after")
                #expect(server.process.isRunning, "\(server.process.tail)")
            }
        }

        @Test("a damaged key costs what was kept and no more", arguments: [0, 5, 16])
        func key(_ left: Int) throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["disk": "64MiB"])
                server.waitForDisk()
                try Self.expectAnswers(server.pair, [1000, 2 << 20], "a")
                #expect(server.waitForFiles(2))
                try server.restart {
                    let url = URL(fileURLWithPath: "\(server.directory)/key")
                    try Data(repeating: 7, count: left).write(to: url)
                }
                try Self.expectAnswers(server.pair, [1000, 2 << 20], "a")
                let asked = server.origin.requests.count
                #expect(asked == 4)
                try server.restart()
                try Self.expectAnswers(server.pair, [1000, 2 << 20], "a")
                #expect(server.origin.requests.count == asked)
            }
        }

        @Test func `a disk that is full is left alone, with a warning, and all get their answers`() throws {
            try onStage { stage in
                let place = try Self.mount(stage, "size=1m")
                let server = try CacheServer(stage, keys: ["disk": "100MiB", "directory": place])
                server.waitForDisk()
                try Self.expectAnswers(server.pair, [100_000, 3 << 20, 400_000, 2 << 20, 50_000], "a")
                #expect(
                    server.process.waitForLine {
                        $0.contains("cannot be written to") && $0.contains("WARNING") && $0.contains("space")
                    }, "\(server.process.tail)")
                let failures = try server.stats()["disk"] as? [String: Any]
                #expect((failures?["failures"] as? Int ?? 0) >= 1)
                let lines = server.process.errorLines.filter { $0.contains("cannot be written to") }
                #expect(lines.count <= 3, "\(lines.count) warnings")
                let left = (try? FileManager.default.contentsOfDirectory(atPath: "\(place)/new")) ?? ["?"]
                #expect(left.isEmpty, "\(left)")
                try server.restart()
                try Self.expectAnswers(server.pair, [100_000, 3 << 20, 400_000, 2 << 20, 50_000], "a")
            }
        }

        @Test("without a directory it keeps in memory, and says so", arguments: ["file", "read-only", "parent"])
        func none(_ what: String) throws {
            try onStage { stage in
                let place: String
                switch what {
                case "file": place = try stage.workspace.file("place", "x")
                case "read-only": place = try Self.mount(stage, "ro,size=1m")
                default: place = "/proc/nowhere/cache"
                }
                let server = try CacheServer(stage, keys: ["disk": "100MiB", "directory": place])
                try Self.expectAnswers(server.pair, [1000, 3 << 20], "a")
                #expect(server.origin.requests.count == 2, "memory is there all the same")
                #expect(
                    server.process.waitForLine { $0.contains("WARNING") && $0.contains("keeps nothing on disk") },
                    "\(server.process.tail)")
                #expect(try server.stats()["disk"] == nil)
            }
        }

        @Test func `a directory that vanishes while the server runs costs nobody an answer`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["disk": "64MiB", "memory": "8MiB"])
                server.waitForDisk()
                try Self.expectAnswers(server.pair, [1000, 4 << 20, 4 << 20], "a")
                #expect(server.waitForFiles(3))
                try FileManager.default.removeItem(atPath: server.directory)
                try Self.expectAnswers(server.pair, [1000, 4 << 20, 4 << 20], "a")
                try Self.expectAnswers(server.pair, [1000, 4 << 20], "b")
                #expect(server.process.isRunning)
            }
        }

        @Test func `of two servers with one directory the second goes on without it`() throws {
            try onStage { stage in
                let place = stage.workspace.unusedPath("shared")
                let keys: [String: Any] = ["disk": "64MiB", "directory": place]
                let first = try CacheServer(stage, keys: keys)
                first.waitForDisk()
                let second = try CacheServer(stage, keys: keys)
                #expect(
                    second.process.waitForLine { $0.contains("WARNING") && $0.contains("another process uses it") },
                    "\(second.process.tail)")
                try Self.expectAnswers(first.pair, [1000, 2 << 20], "a")
                try Self.expectAnswers(second.pair, [1000, 2 << 20], "b")
                #expect(eventually(5) { CacheServer.files(place).count == 2 })
                #expect(second.origin.requests.count == 2)
                // Who ends leaves it to the other.
                first.process.signal(SIGKILL)
                #expect(first.process.wait(seconds: 5) != nil)
                try second.restart()
                try Self.expectAnswers(second.pair, [2 << 20], "c")
                #expect(eventually(5) { CacheServer.files(place).count == 3 })
            }
        }

        @Test func `what is on disk stays below what the owner gave, also after a start with less`() throws {
            try onStage { stage in
                let server = try CacheServer(stage, keys: ["disk": "8MiB", "memory": "16MiB"])
                server.waitForDisk()
                let sizes = (0..<24).map { $0 % 2 == 0 ? 1_100_000 + $0 * 10_000 : 30_000 + $0 * 5000 }
                try Self.expectAnswers(server.pair, sizes, "a")
                #expect(eventually(3) { server.bytesOnDisk <= 8 << 20 }, "\(server.bytesOnDisk)")
                #expect(server.bytesOnDisk > 3 << 20, "\(server.bytesOnDisk)")
                try Self.expectAnswers(server.pair, sizes, "a")
                let disk = try server.stats()["disk"] as? [String: Any]
                #expect((disk?["bytes"] as? Int ?? .max) <= 8 << 20 && disk?["objects"] as? Int == server.files.count)
                _ = try server.reload(["disk": "3MiB"])
                try server.restart()
                #expect(eventually(3) { server.bytesOnDisk <= 3 << 20 }, "\(server.bytesOnDisk)")
                try Self.expectAnswers(server.pair, sizes, "a")
                #expect(eventually(3) { server.bytesOnDisk <= 3 << 20 }, "\(server.bytesOnDisk)")
            }
        }

        /// A small file system of its own, as long as the test runs.
        static func mount(_ stage: Stage, _ options: String) throws -> String {
            let place = stage.workspace.unusedPath("mounted")
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
            let made = try stage.run("/bin/mount", ["-t", "tmpfs", "-o", options, "none", place])
            if made.exit != .status(0) { try missing("a file system cannot be mounted: \(made.errors)") }
            stage.atEnd { [weak stage] in _ = try? stage?.run("/bin/umount", ["-l", place]) }
            return place
        }
    }
}
