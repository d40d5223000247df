import Foundation
import GRDB
import SSCommon
import SSServerCore
import Testing

@testable import ssserver

@Suite("The file that knows the users")
struct UserStoreTests {
    private static let alice = UserKey(port: 8388, name: "alice")
    private static let month = CalendarMonth(number: 2027 * 12)

    private static func limits(_ quota: UInt64?, _ rate: UInt64?, _ streams: Int?, _ day: String?) -> UserLimits {
        var limits = UserLimits()
        limits.quota = quota
        limits.rate = rate
        limits.streams = streams
        limits.expires = day.flatMap { CalendarDay($0) }
        return limits
    }

    private func failure(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            #expect(error is StoreFailure)
            return "\(error)"
        }
    }

    @Test("Every change is there when the file is opened again, and a later one replaces it")
    func changes() throws {
        let scratch = Scratch()
        let changes: [UserKey: (UserChange, String?)] = [
            Self.alice: (UserChange(.added, Self.limits(1 << 40, 1 << 20, 512, "2027-01-31")), "a secret"),
            UserKey(port: 8388, name: "日本 \"'; DROP TABLE user; --"): (
                UserChange(.limited, Self.limits(0, nil, 1, nil)), nil
            ),
            UserKey(port: 65_535, name: "alice"): (UserChange(.removed, UserLimits()), nil),
            UserKey(port: 1, name: "max"): (
                UserChange(.added, Self.limits(UInt64(Int64.max), UInt64(Int64.max), 1_000_000, "9999-12-31")), "x"
            ),
        ]
        do {
            let store = try UserStore(path: scratch.file)
            for (key, (change, secret)) in changes {
                try store.keep(UserChange(.removed, UserLimits()), of: key, secret: nil, identity: nil)
                try store.keep(change, of: key, secret: secret, identity: nil)
            }
            try store.keep(
                UserChange(.added, UserLimits()), of: UserKey(port: 2, name: "gone"), secret: "y", identity: "id")
            try store.keep(nil, of: UserKey(port: 2, name: "gone"), secret: nil, identity: nil)
        }
        let content = try UserStore(path: scratch.file).load(Self.month)
        #expect(content.changes == changes.mapValues(\.0))
        #expect(content.secrets == changes.compactMapValues(\.1))
        #expect(content.identities == [2: "id"])
        #expect(content.monthly.isEmpty && content.total.isEmpty && content.seen.isEmpty)
    }

    @Test("A limit beyond what the file holds is as good as none")
    func largest() throws {
        let scratch = Scratch()
        let store = try UserStore(path: scratch.file)
        try store.keep(
            UserChange(.added, Self.limits(.max, .max, nil, nil)), of: Self.alice, secret: "x", identity: nil)
        let limits = try #require(try store.load(Self.month).changes[Self.alice]).limits
        #expect(limits.quota == UInt64(Int64.max) && limits.rate == UInt64(Int64.max))
    }

    @Test("Bytes are added up by month and in all, and the last time seen is the last written")
    func usage() throws {
        let scratch = Scratch()
        let bob = UserKey(port: 8388, name: "bob")
        for round in 0..<3 as Range<UInt64> {
            let store = try UserStore(path: scratch.file)
            try store.add([
                .init(key: Self.alice, month: Self.month, moved: .init(up: 10, down: 1), seen: 100 + round),
                .init(key: bob, month: Self.month, moved: .init(), seen: 0),
            ])
        }
        let store = try UserStore(path: scratch.file)
        let next = CalendarMonth(number: Self.month.number + 1)
        try store.add([.init(key: Self.alice, month: next, moved: .init(up: 1, down: 2), seen: 200)])
        let old = try store.load(Self.month)
        #expect(old.monthly == [Self.alice: .init(up: 30, down: 3)])
        #expect(old.total == [Self.alice: .init(up: 31, down: 5)])
        #expect(old.seen == [Self.alice: 200])
        #expect(try store.load(next).monthly == [Self.alice: .init(up: 1, down: 2)])
        #expect(try store.load(CalendarMonth(number: 0)).monthly.isEmpty)
    }

    @Test("The file and what SQLite puts beside it are the owner's alone, whatever the umask")
    func modes() throws {
        let scratch = Scratch()
        let store = try UserStore(path: scratch.file)
        try store.keep(UserChange(.added, UserLimits()), of: Self.alice, secret: "x", identity: nil)
        #expect(scratch.files.count == 3, "\(scratch.files)")
        for file in scratch.files { #expect(scratch.mode("\(scratch.directory)/\(file)") == 0o600, "\(file)") }
        _ = try store.load(Self.month)
    }

    @Test(
        "What is no such file is refused and left as it is",
        arguments: [
            Array("this is no database, but it is somebody's".utf8), [UInt8](repeating: 0, count: 8_192),
            Array("SQLite format 3\u{0}".utf8) + [UInt8](repeating: 0xff, count: 8_176),
        ])
    func foreign(bytes: [UInt8]) throws {
        let scratch = Scratch()
        try Data(bytes).write(to: URL(fileURLWithPath: scratch.file))
        let words = try #require(failure { _ = try UserStore(path: scratch.file) })
        #expect(words.contains(scratch.file), "\(words)")
        #expect(words.count > scratch.file.count + 5)
        #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.file)) == Data(bytes))
    }

    @Test("A file that was damaged is refused, when it is opened or when it is read")
    func damaged() throws {
        let scratch = Scratch()
        do {
            let store = try UserStore(path: scratch.file)
            for number in 0..<500 {
                try store.keep(
                    UserChange(.added, UserLimits()), of: UserKey(port: 1, name: "user \(number)"),
                    secret: "key \(number)",
                    identity: nil)
            }
        }
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: scratch.file)))
        #expect(bytes.count > 12_288, "the log was merged")
        for index in 4_096..<bytes.count { bytes[index] = 0xa5 }
        try Data(bytes).write(to: URL(fileURLWithPath: scratch.file))
        let words = failure {
            _ = try UserStore(path: scratch.file).load(Self.month)
        }
        #expect(words?.contains("malformed") == true, "\(words ?? "no failure")")
        #expect(words?.contains("key 1") == false)
    }

    @Test("Another program's database is refused")
    func otherSchema() throws {
        let scratch = Scratch()
        try DatabaseQueue(path: scratch.file).write {
            try $0.execute(sql: "CREATE TABLE user (id INTEGER); INSERT INTO user VALUES (1)")
        }
        #expect(failure { _ = try UserStore(path: scratch.file) } != nil)
    }

    @Test("A link, a directory, and a place that is not there are no file to open")
    func places() throws {
        let scratch = Scratch()
        try FileManager.default.createSymbolicLink(
            atPath: scratch.file, withDestinationPath: "\(scratch.directory)/elsewhere")
        for path in [scratch.file, scratch.directory, "\(scratch.directory)/no/users.sqlite", "/proc/users.sqlite"] {
            let words = failure { _ = try UserStore(path: path) }
            #expect(words?.hasPrefix("\(path): ") == true, "\(words ?? "no failure")")
        }
        #expect(scratch.files == ["users.sqlite"])
    }

    @Test("On a full disk a change is refused whole, the old ones stay, and no key is in what is said")
    func full() throws {
        let disk = try SmallDisk()
        let store = try UserStore(path: disk.file)
        try store.keep(UserChange(.added, UserLimits()), of: Self.alice, secret: "the key of alice", identity: nil)
        disk.fill()
        var words: String?
        for number in 0..<500 where words == nil {
            words = failure {
                try store.keep(
                    UserChange(.added, UserLimits()), of: UserKey(port: 1, name: "user \(number)"),
                    secret: "the key of somebody else", identity: "the identity")
            }
        }
        #expect(words == "database or disk is full")
        let before = try store.load(Self.month).changes.count
        #expect(
            failure {
                try store.add([.init(key: Self.alice, month: Self.month, moved: .init(up: 1), seen: 1)])
            } != nil)
        #expect(try store.load(Self.month).changes.count == before)
        disk.makeRoom()
        try store.add([.init(key: Self.alice, month: Self.month, moved: .init(up: 1), seen: 1)])
        let content = try UserStore(path: disk.file).load(Self.month)
        #expect(content.secrets[Self.alice] == "the key of alice")
        #expect(content.total[Self.alice] == .init(up: 1))
    }

    @Test("A disk that is full from the start is said to be, and leaves nothing behind that could not be opened later")
    func fullFromTheStart() throws {
        let disk = try SmallDisk()
        disk.fill()
        let words = failure { _ = try UserStore(path: disk.file) }
        #expect(words?.contains("full") == true, "\(words ?? "no failure")")
        disk.makeRoom()
        #expect(failure { _ = try UserStore(path: disk.file) } == nil)
    }
}

/// A file system of 256 KiB; only the superuser can have one.
final class SmallDisk {
    private let scratch = Scratch()
    var directory: String { scratch.directory }
    var file: String { "\(directory)/users.sqlite" }
    private var ballast: String { "\(directory)/ballast" }

    init() throws {
        guard (try? Self.run("/bin/mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", scratch.directory])) == true
        else {
            try Test.cancel("no small file system can be had here")
        }
    }

    deinit { _ = try? Self.run("/bin/umount", ["-l", scratch.directory]) }

    /// Takes all that is left.
    func fill() {
        _ = FileManager.default.createFile(atPath: ballast, contents: nil)
        guard let file = FileHandle(forWritingAtPath: ballast) else { return }
        while (try? file.write(contentsOf: Data(count: 4_096))) != nil {}
        try? file.close()
    }

    func makeRoom() { try? FileManager.default.removeItem(atPath: ballast) }

    private static func run(_ program: String, _ arguments: [String]) throws -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
