// A directory with a log in it, somebody who writes to that, and somebody who follows it.
import Testing

@testable import ssserver

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A directory that goes with the test, and what is done to files in it.
final class LogFolder: Sendable {
    let path: String

    init() {
        var name = Array("/tmp/log-follower.XXXXXX".utf8CString)
        path = name.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        if let stream = opendir(path) {
            var names: [String] = []
            while let entry = readdir(stream) {
                names.append(
                    withUnsafePointer(to: &entry.pointee.d_name) {
                        $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
                    })
            }
            closedir(stream)
            for name in names where name != "." && name != ".." {
                if unlink(path + "/" + name) != 0 { remove(path + "/" + name) }
            }
        }
        rmdir(path)
    }

    subscript(_ name: String) -> String { path + "/" + name }
    var log: String { self["log"] }

    func write(_ text: String, to name: String = "log", flags: CInt = O_APPEND) {
        let writer = LogWriter(self[name], flags)
        writer.write(text)
    }

    func text(_ name: String) -> String {
        let descriptor = open(self[name], O_RDONLY)
        defer { close(descriptor) }
        return String(decoding: FilePart.read(descriptor, count: 1 << 20, at: 0), as: UTF8.self)
    }

    func move(_ from: String, _ to: String) { #expect(rename(self[from], self[to]) == 0) }
    func delete(_ name: String) { #expect(unlink(self[name]) == 0) }
    func cut(_ name: String = "log") { #expect(truncate(self[name], 0) == 0) }
    func copy(_ from: String, _ to: String) { write(text(from), to: to, flags: O_TRUNC) }
    func link(_ target: String, _ name: String) { #expect(symlink(target, self[name]) == 0) }

    /// As logrotate does: log.2 to log.3, log.1 to log.2.
    func shift(_ last: Int = 12) {
        for number in stride(from: last, to: 0, by: -1) { _ = rename(self["log.\(number)"], self["log.\(number + 1)"]) }
    }
}

/// Somebody who has a log open.
final class LogWriter {
    let descriptor: CInt

    init(_ path: String, _ flags: CInt = O_APPEND) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0o600)
        #expect(descriptor >= 0)
    }

    deinit { close(descriptor) }

    func write(_ text: String) {
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            #if canImport(Glibc)
                let count = bytes[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            #else
                let count = bytes[start...].withUnsafeBytes { Darwin.write(descriptor, $0.baseAddress, $0.count) }
            #endif
            guard count > 0 else {
                Issue.record("write: \(errno)")
                return
            }
            start += count
        }
    }
}

extension LogFollower {
    /// Waits as its owner does, for at most so long.
    func wait(_ milliseconds: CInt) {
        var watched = pollfd(fd: descriptor ?? -1, events: Int16(POLLIN), revents: 0)
        _ = poll(&watched, 1, patience < 0 ? milliseconds : min(patience, milliseconds))
    }

    /// Everything that is there now.
    func lines(now: ContinuousClock.Instant = .now) throws -> [String] {
        var lines: [String] = []
        look(now: now)
        while try read({ line in lines.append(line.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }) }) == .more
        {}
        return lines
    }

    /// Reads until a line is `last` or so many seconds have gone by.
    func lines(until last: String, seconds: Int = 10) throws -> [String] {
        let end = ContinuousClock.now + .seconds(seconds)
        var lines: [String] = []
        while lines.last != last, .now < end {
            wait(100)
            lines += try self.lines()
        }
        return lines
    }
}
