import Testing

@testable import ssserver

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Going on in a log after a restart")
struct LogRestartTests {
    let folder = LogFolder()

    private func follow(_ position: LogPosition?) throws -> LogFollower {
        try LogFollower(path: folder.log, from: position.map { .saved($0) } ?? .beginning)
    }

    enum Step: CaseIterable {
        case line, torn, rename, copyAndCut, late
    }

    static let scripts: [[Step]] = [
        [.line, .torn, .line, .rename, .line, .rename, .line, .line, .rename, .torn, .line],
        [.line, .line, .torn, .copyAndCut, .line, .line, .copyAndCut, .line, .torn, .copyAndCut, .line],
    ]

    /// Somebody else's view of what was written.
    private final class Script {
        let folder: LogFolder
        private var number = 0
        private var isTorn = false
        private var old: LogWriter?
        private var writer: LogWriter

        init(_ folder: LogFolder) {
            self.folder = folder
            writer = LogWriter(folder.log)
        }

        var lines: [String] { (0..<number).map { "line \($0) of the log, the one with \($0)" } }

        func run(_ step: Step) {
            switch step {
            case .line:
                writer.write((isTorn ? "" : "line \(number)") + " of the log, the one with \(number)\n")
                (number, isTorn) = (number + 1, false)
            case .torn:
                if !isTorn { writer.write("line \(number)") }
                isTorn = true
            case .rename:
                // Files are told apart by when they were written to last, and clocks of file systems are slow.
                usleep(10_000)
                folder.shift()
                folder.move("log", "log.1")
                if isTorn {
                    run(.line)
                    usleep(10_000)
                }
                old = writer
                writer = LogWriter(folder.log)
            case .late:
                if isTorn { run(.line) }
                old?.write("line \(number) of the log, the one with \(number)\n")
                number += 1
            case .copyAndCut:
                usleep(10_000)
                folder.shift()
                folder.copy("log", "log.1")
                folder.cut()
            }
        }
    }

    @Test("Stopped at any step and started again at any later one, each line is seen once", arguments: scripts)
    func steps(script: [Step]) throws {
        for stop in 1...script.count {
            for pause in [0, 1, 2, 5] where stop + pause <= script.count {
                let folder = LogFolder()
                let state = Script(folder)
                var position: LogPosition?
                var follower: LogFollower? = try LogFollower(path: folder.log, from: .beginning)
                var seen: [String] = []
                for (index, step) in (script + [.line]).enumerated() {
                    if index == stop {
                        position = follower?.position
                        follower = nil
                    }
                    if index == stop + pause {
                        follower = try LogFollower(path: folder.log, from: .saved(try #require(position)))
                        seen += try follower?.lines() ?? []
                    }
                    state.run(step)
                    seen += try follower?.lines() ?? []
                }
                #expect(seen == state.lines, "stop \(stop) pause \(pause)")
                #expect(follower?.takeNotices() == [])
            }
        }
    }

    /// As far as the same numbers go, always the same.
    private struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state ^ (state >> 29)) &* 0x9e37_79b9_7f4a_7c15
        }
    }

    @Test(
        "Whatever is written, rotated, read, stopped and started in whatever order, each line is seen once",
        arguments: 1...60)
    func random(seed: Int) throws {
        var dice = Dice(state: UInt64(seed))
        let rotation = Bool.random(using: &dice) ? Step.rename : .copyAndCut
        let isTold = Bool.random(using: &dice)
        let state = Script(folder)
        var position: LogPosition?
        var follower: LogFollower?
        var seen: [String] = []
        // Whether the last rotation was seen by the one who follows now.
        var isHeard = false
        func read() throws {
            if follower == nil {
                follower = try LogFollower(
                    path: folder.log, from: position.map { .saved($0) } ?? .beginning, isTold: isTold)
            }
            seen += try follower?.lines() ?? []
        }
        try read()
        for _ in 0..<40 {
            switch Int.random(in: 0..<10, using: &dice) {
            case 0...3: state.run(.line)
            case 4: state.run(.torn)
            case 5:
                // A file of which no line was ever read cannot be told from itself after it was cut.
                if rotation == .copyAndCut, seen.isEmpty { continue }
                state.run(rotation)
                isHeard = follower != nil
            case 6:
                position = follower?.position ?? position
                follower = nil
                isHeard = false
            case 7...8: try read()
            default:
                guard rotation == .rename, isHeard else { continue }
                state.run(.late)
                try read()
            }
        }
        try read()
        #expect(seen.sorted() == state.lines.sorted())
    }

    @Test("Where nothing had been read, files beside the log are not taken for it")
    func nothingRead() throws {
        folder.write("")
        let first = try follow(nil)
        #expect(try first.lines() == [])
        let position = try #require(first.position)
        folder.write("another\n", to: "log.1")
        folder.write("one\n", to: "new")
        folder.move("new", "log")
        let follower = try follow(position)
        #expect(try follower.lines() == ["one"])
        #expect(follower.takeNotices().count == 1)
    }

    @Test("The same inode with other bytes is another file")
    func reusedInode() throws {
        folder.write("one\ntwo\n")
        let first = try follow(nil)
        #expect(try first.lines().count == 2)
        var position = try #require(first.position)
        position.fingerprint[0] ^= 1
        let follower = try follow(position)
        #expect(try follower.lines() == ["one", "two"])
        #expect(follower.takeNotices().count == 1)
    }

    @Test("The number of the device may be another after a restart of the machine")
    func device() throws {
        folder.write("one\n")
        let first = try follow(nil)
        #expect(try first.lines() == ["one"])
        var position = try #require(first.position)
        position.device += 1
        folder.write("two\n")
        #expect(try follow(position).lines() == ["two"])
    }

    @Test("A log that was restored from a copy goes on where it was")
    func restored() throws {
        folder.write("one\n")
        let first = try follow(nil)
        #expect(try first.lines() == ["one"])
        folder.copy("log", "other")
        folder.write("two\n", to: "other")
        folder.move("other", "log")
        #expect(try follow(first.position).lines() == ["two"])
    }

    @Test("With the log away, the rest of the old one is read, then the new one")
    func away() throws {
        folder.write("one\n")
        let first = try follow(nil)
        #expect(try first.lines() == ["one"])
        folder.write("two\n")
        folder.move("log", "log-20261122")
        let follower = try follow(first.position)
        #expect(try follower.lines() == ["two"])
        folder.write("three\n")
        #expect(try follower.lines() == ["three"])
    }

    @Test("Positions that nobody has ever been at do no harm")
    func hostile() throws {
        folder.write("one\n")
        let file = try #require(FileIdentity(folder.log))
        for offset in [3, 4, 5, 64, UInt64(Int64.max), .max] {
            for fingerprint in [[], [10], [UInt8](repeating: 10, count: 64), [UInt8](repeating: 0, count: 500)] {
                let position = LogPosition(file, offset: offset, fingerprint: fingerprint)
                let follower = try follow(position)
                #expect(try follower.lines() == ["one"])
                #expect(follower.takeNotices().count == 1)
            }
        }
        #expect(try follow(LogPosition(file)).lines() == ["one"])
    }

    private static func line(_ minute: Int) -> String {
        "2026-11-21 02:\(minute):00 INFO     connecting a.example:443 from 203.0.113.9:\(minute)"
    }

    @Test("Where the file was packed meanwhile, all that came after it is read, and what is older is not")
    func packed() throws {
        for name in ["log.3", "log.2", "log.1", "log"] {
            let first = ["log.3": 20, "log.2": 30, "log.1": 40, "log": 50][name] ?? 0
            for minute in first..<first + 3 { folder.write(Self.line(minute) + "\n", to: name) }
        }
        // Read up to the middle of what was packed then.
        folder.write(Self.line(35) + "\n" + Self.line(36) + "\n", to: "packed")
        let first = try LogFollower(path: folder["packed"], from: .beginning)
        #expect(try first.lines().count == 2)
        let position = first.position
        folder.delete("packed")
        folder.write("\u{1f}", to: "log.4.gz")
        // A copy that somebody has made, or is about to make, is not read beside its original.
        folder.copy("log", "log.5")
        folder.copy("log.1", "log.6")
        let second = try follow(position)
        #expect(try second.lines() == (40..<43).map(Self.line) + (50..<53).map(Self.line))
        #expect(second.takeNotices().count == 1)
        #expect(try follow(second.position).lines().isEmpty)
    }
}
