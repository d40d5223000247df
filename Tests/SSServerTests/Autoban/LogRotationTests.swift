import Dispatch
import Testing

@testable import ssserver

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Rotation while a log is followed")
struct LogRotationTests {
    let folder = LogFolder()

    enum Rotation: CaseIterable {
        case rename
        /// The writer goes on in the old file for a while.
        case lateRename
        case copyAndCut
        case deletion
    }

    /// What is written while nobody holds a deleted file is nowhere: that needs somebody who is told.
    static let cases = Rotation.allCases.flatMap { rotation in
        rotation == .deletion ? [(rotation, true)] : [(rotation, true), (rotation, false)]
    }

    @Test("Of 10,000 lines and nine rotations, each line is seen once", arguments: cases)
    func rotations(rotation: Rotation, isTold: Bool) throws {
        let count = 10_000
        folder.write("")
        let follower = try LogFollower(path: folder.log, from: .beginning, isTold: isTold)
        let done = DispatchGroup()
        DispatchQueue.global().async(group: done) { [folder] in Self.write(count, rotation, folder) }
        var seen: [Int] = []
        let end = ContinuousClock.now + .seconds(15)
        while seen.count < count, .now < end {
            follower.wait(100)
            seen += try follower.lines().compactMap { Int($0.prefix { $0 != " " }) }
        }
        done.wait()
        follower.wait(300)
        seen += try follower.lines().compactMap { Int($0.prefix { $0 != " " }) }
        #expect(seen.count == count)
        #expect(Set(seen) == Set(0..<count))
        if rotation != .lateRename { #expect(seen == seen.sorted()) }
        #expect(follower.takeNotices() == [])
    }

    private static func write(_ count: Int, _ rotation: Rotation, _ folder: LogFolder) {
        var writer = LogWriter(folder.log)
        for number in 0..<count {
            let turn = number % 1000
            if number >= 1000, turn == 0 {
                switch rotation {
                case .rename, .lateRename:
                    folder.shift()
                    folder.move("log", "log.1")
                    if rotation == .rename { writer = LogWriter(folder.log) } else { folder.write("") }
                case .copyAndCut:
                    folder.shift()
                    folder.copy("log", "log.1")
                    folder.cut()
                case .deletion:
                    folder.delete("log")
                    writer = LogWriter(folder.log)
                }
            }
            if rotation == .lateRename, turn == 300 { writer = LogWriter(folder.log) }
            // In two parts now and then: torn for a moment.
            if number % 7 == 0 {
                writer.write("\(number)")
                writer.write(" line\n")
            } else {
                writer.write("\(number) line\n")
            }
            if number % 10 == 0 { usleep(1000) }
        }
    }

    @Test("A file that was renamed is heard until it has been quiet for a minute and a new one is there")
    func patience() throws {
        folder.write("one\n")
        let follower = try LogFollower(path: folder.log, from: .beginning)
        let writer = LogWriter(folder.log)
        let now = ContinuousClock.now
        #expect(try follower.lines(now: now) == ["one"])
        folder.move("log", "log.1")
        #expect(try follower.lines(now: now) == [])
        writer.write("two\n")
        // There is no other: however long that takes.
        #expect(try follower.lines(now: now + .seconds(600)) == ["two"])
        folder.write("three\n")
        writer.write("four\n")
        #expect(try follower.lines(now: now + .seconds(601)) == ["four", "three"])
        writer.write("five\n")
        #expect(try follower.lines(now: now + .seconds(650)) == ["five"])
        #expect(try follower.lines(now: now + .seconds(700)) == [])
        writer.write("six\n")
        #expect(try follower.lines(now: now + .seconds(705)) == ["six"])
        #expect(try follower.lines(now: now + .seconds(710)) == [])
        #expect(try follower.lines(now: now + .seconds(771)) == [])
        writer.write("too late\n")
        #expect(try follower.lines(now: now + .seconds(773)) == [])
    }

    @Test("At most eight old files are held, and none is let go unread")
    func manyOld() throws {
        folder.write("")
        let follower = try LogFollower(path: folder.log, from: .beginning)
        var seen: [String] = []
        let before = try descriptors()
        for number in 0..<30 {
            folder.shift(30)
            folder.move("log", "log.1")
            folder.write("\(number)\n")
            follower.look()
            if number % 15 == 14 { seen += try follower.lines() }
        }
        #expect(seen == (0..<30).map(String.init))
        #expect(try descriptors() - before <= 8)
    }

    /// How many files of this folder are open, where that can be seen.
    private func descriptors() throws -> Int {
        (3..<1024).count { descriptor in
            guard let path = realpath("/proc/self/fd/\(descriptor)", nil) else { return false }
            defer { free(path) }
            return String(cString: path).hasPrefix(folder.path + "/")
        }
    }

    @Test("Renamed and renamed back, it goes on where it was")
    func back() throws {
        folder.write("one\n")
        let follower = try LogFollower(path: folder.log, from: .beginning)
        #expect(try follower.lines() == ["one"])
        folder.move("log", "log.1")
        folder.write("two\n")
        #expect(try follower.lines() == ["two"])
        folder.move("log.1", "log")
        folder.write("three\n")
        #expect(try follower.lines() == ["three"])
    }

    @Test("Two rotations between two looks: what was the log in between is read in its turn", arguments: [true, false])
    func two(isTold: Bool) throws {
        let one = String(repeating: "one", count: 30)
        folder.write(one + "\n")
        folder.write("a debug log is another's\n", to: "log.debug")
        let follower = try LogFollower(path: folder.log, from: .beginning, isTold: isTold)
        #expect(try follower.lines() == [one])
        folder.write("two\n")
        for text in ["three\n", "four\nfi"] {
            usleep(10_000)
            folder.shift()
            folder.move("log", "log.1")
            folder.write(text)
        }
        folder.write("a copy is no new log: ", to: "log.debug")
        folder.copy("log.2", "log.20")
        #expect(try follower.lines() == ["two", "three", "four"])
        folder.write("ve\n")
        #expect(try follower.lines() == ["five"])
    }

    @Test(
        "A cut file begins anew; what was not read stands in the copy, and a torn line goes on",
        arguments: [true, false])
    func cut(isTold: Bool) throws {
        folder.write("one\n")
        let follower = try LogFollower(path: folder.log, from: .beginning, isTold: isTold)
        #expect(try follower.lines() == ["one"])
        folder.write("two\nthr")
        folder.copy("log", "log.1")
        folder.cut()
        folder.write("e")
        #expect(try follower.lines() == ["two"])
        let position = try #require(follower.position)
        #expect(try LogFollower(path: folder.log, from: .saved(position)).lines() == [])
        folder.write("e\nfour\n")
        #expect(try LogFollower(path: folder.log, from: .saved(position)).lines() == ["three", "four"])
        #expect(try follower.lines() == ["three", "four"])
        #expect(follower.takeNotices() == [])
    }

    @Test("Cut and grown beyond where it was between two looks; lines that are only added are not counted again")
    func regrown() throws {
        folder.write("one\n")
        let follower = try LogFollower(path: folder.log, from: .beginning, isTold: false)
        #expect(try follower.lines() == ["one"])
        folder.write("two\n")
        #expect(try follower.lines() == ["two"])
        folder.cut()
        folder.write("three is longer than what was there before\n")
        #expect(try follower.lines() == ["three is longer than what was there before"])
        #expect(follower.takeNotices().count == 1)
        for number in 0..<100 {
            folder.write("\(number)\n")
            #expect(try follower.lines() == ["\(number)"])
        }
    }

    @Test("A writer that does not append leaves a hole when the file is cut, and is read behind it")
    func hole() throws {
        let writer = LogWriter(folder.log, 0)
        let follower = try LogFollower(path: folder.log, from: .beginning)
        for number in 0..<20_000 { writer.write("line \(number)\n") }
        #expect(try follower.lines().count == 20_000)
        folder.copy("log", "log.1")
        folder.cut()
        #expect(try follower.lines() == [])
        writer.write("one\n")
        writer.write("two\n")
        #expect(try follower.lines() == ["one", "two"])
        let position = try #require(follower.position)
        writer.write("three\n")
        #expect(try LogFollower(path: folder.log, from: .saved(position)).lines() == ["three"])
        #expect(follower.takeNotices() == [])
    }

    @Test("A symbolic link that is turned to another file is a rotation", arguments: [true, false])
    func link(isTold: Bool) throws {
        mkdir(folder["a"], 0o700)
        folder.write("one\n", to: "a/1")
        folder.link("a/1", "log")
        let follower = try LogFollower(path: folder.log, from: .beginning, isTold: isTold)
        #expect(try follower.lines() == ["one"])
        folder.write("three\n", to: "a/2")
        folder.link("a/2", "new")
        folder.move("new", "log")
        folder.write("two\n", to: "a/1")
        #expect(try follower.lines(until: "three") == ["two", "three"])
        // Where the link leads, files are renamed as well.
        folder.move("a/2", "a/2.1")
        folder.write("four\n", to: "a/2")
        #expect(try follower.lines(until: "four") == ["four"])
    }
}
