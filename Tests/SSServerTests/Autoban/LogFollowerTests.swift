import Testing

@testable import ssserver

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("A log as it grows")
struct LogFollowerTests {
    let folder = LogFolder()

    private func follow(_ start: RotatedLog.Start = .beginning, isTold: Bool = true) throws(UnreadableLog)
        -> LogFollower
    {
        try LogFollower(path: folder.log, from: start, isTold: isTold)
    }

    @Test("Lines come once they are whole, byte by byte", arguments: [true, false])
    func torn(isTold: Bool) throws {
        folder.write("old\n")
        let follower = try follow(isTold: isTold)
        #expect(try follower.lines() == ["old"])
        var seen: [String] = []
        for byte in "first\n\nthird\nrest" {
            folder.write(String(byte))
            let lines = try follower.lines()
            #expect(lines.count == (byte == "\n" ? 1 : 0))
            seen += lines
        }
        #expect(seen == ["first", "", "third"])
        #expect(follower.position?.offset == 17)
        #expect(follower.position?.fingerprint == Array("old\nfirst\n\nthird\n".utf8))
    }

    @Test("From the end on, a line that is torn at the start is still to come")
    func end() throws {
        folder.write("one\ntwo\nthr")
        let follower = try follow(.end)
        #expect(try follower.lines() == [])
        folder.write("ee\nfour\n")
        #expect(try follower.lines() == ["three", "four"])
        folder.move("log", "log.1")
        folder.write("five\n")
        #expect(try follower.lines() == ["five"])
    }

    @Test("The end of a line that is too long already is no line")
    func longEnd() throws {
        folder.write("one\n" + String(repeating: "x", count: 100_000))
        let follower = try follow(.end)
        folder.write("from 192.0.2.1:7\ntwo\n")
        #expect(try follower.lines() == ["two"])
    }

    @Test("A line that is too long is skipped; until it ends, somebody who starts again starts before it")
    func long() throws {
        folder.write("one\n")
        let follower = try follow()
        var seen = try follower.lines()
        for _ in 0..<40 {
            folder.write(String(repeating: "x", count: 50_000))
            seen += try follower.lines()
        }
        let position = try #require(follower.position)
        #expect(position.offset == 4)
        folder.write("tail\ntwo\n")
        #expect(try seen + follower.lines() == ["one", "two"])
        #expect(try follow(.saved(position)).lines() == ["two"])
    }

    @Test("More than fits at once comes in parts, between which the caller can act")
    func parts() throws {
        let line = String(repeating: "x", count: 99) + "\n"
        for _ in 0..<30 { folder.write(String(repeating: line, count: 1000)) }
        let follower = try follow()
        var parts: [Int] = []
        var reading = LogReading.more
        while reading == .more {
            var count = 0
            reading = try follower.read { line in count += line.byteCount == 99 ? 1 : 1_000_000 }
            parts.append(count)
        }
        #expect(parts.reduce(0, +) == 30_000)
        #expect(parts.count == 3 && parts.allSatisfy { $0 <= RotatedLog.room / 100 + 1 })
    }

    @Test("A log that is missing at the start is awaited, and so is its directory", arguments: [true, false])
    func missing(isTold: Bool) throws {
        let follower = try LogFollower(path: folder["sub/log"], from: .end, isTold: isTold)
        #expect(try follower.lines() == [])
        #expect(follower.position == nil)
        #expect(follower.takeNotices() == ["\"\(folder["sub/log"])\" is not there yet; waiting for it"])
        #expect(follower.patience == 250)
        mkdir(folder["sub"], 0o700)
        #expect(try follower.lines() == [])
        #expect(follower.patience == (isTold ? 1000 : 250))
        folder.write("one\ntwo\n", to: "sub/log")
        #expect(try follower.lines(until: "two") == ["one", "two"])
        #expect(follower.takeNotices() == ["\"\(folder["sub/log"])\" is read now"])
    }

    @Test("Where the kernel tells, a line is there at once")
    func latency() throws {
        folder.write("")
        let follower = try follow()
        #expect(try follower.lines() == [])
        var took: [Duration] = []
        for number in 0..<200 {
            let began = ContinuousClock.now
            folder.write("\(number)\n")
            follower.wait(1000)
            #expect(try follower.lines() == ["\(number)"])
            took.append(.now - began)
        }
        #expect(took.sorted()[100] < .milliseconds(5))
    }

    @Test("What is no log is told at the start")
    func unreadable() throws {
        #expect(throws: UnreadableLog.self) { try LogFollower(path: folder.path, from: .end) }
        folder.write("\u{1f}\0x")
        let fault = #expect(throws: UnreadableLog.self) { try follow() }
        #expect(fault?.text.hasSuffix("is no log: byte 2 of it is 0") == true)
    }

    @Test(
        "Packed logs are told, and what unpacks them",
        arguments: zip(
            [[0x1f, 0x8b, 8, 1], [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], [0x28, 0xb5, 0x2f, 0xfd], Array("BZh9".utf8)]
                as [[UInt8]], ["zcat", "xzcat", "zstdcat", "bzcat"]))
    func packed(start: [UInt8], tool: String) {
        let fault = start.withUnsafeBytes { UnreadableLog("log", start: $0) }
        #expect(fault?.text == "\"log\" is no log: it is packed")
        #expect(fault?.help == "unpack it: \(tool) FILE | ssserver autoban test -; autoban run follows the log itself")
    }

    @Test(
        "NULs that a crash or a hostile name has left are no reason to refuse a log",
        arguments: [
            "one\ntwo\0\0three\nlast\n", "one\n\0\0\0\nlast\n", "\0\0\0\0one\nlast\n",
            "2026-11-21 02:50:01 INFO     connecting a\0b:80 from 203.0.113.9:1\nlast\n",
        ])
    func spoilt(text: String) throws {
        folder.write(text)
        #expect(try follow().lines().last == "last")
    }

    @Test("A FIFO is read on when its writer has ended and another comes; a pipe ends with its writer")
    func writers() throws {
        #expect(mkfifo(folder.log, 0o600) == 0)
        let follower = try follow()
        for number in 0..<3 {
            folder.write("\(number)\n")
            #expect(try follower.lines(until: "\(number)") == ["\(number)"])
            #expect(try follower.read({ (_: RawSpan) in }) == .idle)
        }
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let other = try LogFollower(path: "/dev/fd/\(ends[0])", from: .end)
        #expect(try other.read({ (_: RawSpan) in }) == .idle)
        close(ends[1])
        #expect(try other.read({ (_: RawSpan) in }) == .ended)
    }

    @Test("While it is followed, what cannot be read is told once and tried again")
    func unreadableLater() throws {
        folder.write("one\n")
        let follower = try follow()
        #expect(try follower.lines() == ["one"])
        folder.move("log", "log.1")
        mkdir(folder.log, 0o700)
        #expect(try follower.lines() == [])
        folder.write("two\n", to: "log.1")
        #expect(try follower.lines(now: .now + .seconds(5)) == ["two"])
        #expect(follower.takeNotices() == ["\"\(folder.log)\": Is a directory; it is tried again"])
        rmdir(folder.log)
        folder.write("three\n")
        #expect(try follower.lines(until: "three") == ["three"])
        #expect(follower.takeNotices() == ["\"\(folder.log)\" is read now"])
    }

    @Test("A log that stays away is told after a minute")
    func gone() throws {
        folder.write("one\n")
        let follower = try follow()
        folder.delete("log")
        #expect(try follower.lines() == ["one"])
        #expect(try follower.lines(now: .now + .seconds(2)) == [])
        #expect(follower.takeNotices() == [])
        #expect(try follower.lines(now: .now + .seconds(62)) == [])
        #expect(try follower.lines(now: .now + .seconds(64)) == [])
        #expect(follower.takeNotices().count == 1)
    }

    @Test("A FIFO is awaited and read as it comes; half a line is none")
    func fifo() throws {
        #expect(mkfifo(folder.log, 0o600) == 0)
        let follower = try follow()
        var seen: [String] = []
        func read() throws -> LogReading {
            try follower.read { line in seen.append(line.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }) }
        }
        #expect(try read() == .idle)
        do {
            let writer = LogWriter(folder.log)
            #expect(try read() == .idle)
            writer.write("one\ntw")
            #expect(try read() == .more)
            #expect(try read() == .idle)
            writer.write("o\nhalf")
        }
        #expect(try read() == .more)
        #expect(try read() == .idle)
        #expect(seen == ["one", "two"])
        #expect(follower.position == nil && follower.patience == -1 && follower.descriptor != nil)
    }

    @Test("A log that is read once may end without an end of its last line")
    func once() throws {
        folder.write("one\ntwo")
        var seen: [Int] = []
        try LogLines.read(folder.log) { seen.append($0.byteCount) }
        #expect(seen == [3, 3])
        #expect(throws: UnreadableLog.self) { try LogLines.read(folder["none"]) { _ in } }
    }
}
