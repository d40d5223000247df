// What the log tests share: pipes, files of their own, and a peer.
import Dispatch
import NIOConcurrencyHelpers
import SSCommon
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

enum LogProbe {
    static func event(_ number: Int) throws -> RelayEvent {
        let peer = Endpoint(.v4(IPv4Address(203, 0, 113, 9)), 51234)
        return .connecting(try #require(TargetAddress(host: "host\(number).example.com", port: 443)), peer: peer)
    }

    static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        let result = ends.withUnsafeMutableBufferPointer { systemPipe($0.baseAddress) }
        try #require(result == 0)
        return (ends[0], ends[1])
    }

    private static func systemPipe(_ ends: UnsafeMutablePointer<Int32>?) -> Int32 {
        guard let ends else { return -1 }
        #if canImport(Glibc)
            return Glibc.pipe(ends)
        #else
            return Darwin.pipe(ends)
        #endif
    }

    /// A directory of this test's own, to be given to `remove`.
    static func directory() throws -> String {
        var template = Array("/tmp/ss-log-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func remove(_ directory: String, _ names: [String]) {
        for name in names { _ = unlink("\(directory)/\(name)") }
        _ = rmdir(directory)
    }

    static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        return String(decoding: readToEnd(descriptor), as: UTF8.self)
    }

    static func readToEnd(_ descriptor: Int32) -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = chunk.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress, $0.count) }
            if count <= 0 { return all }
            all += chunk[..<count]
        }
    }

    /// What comes within `milliseconds` until `isEnough`.
    static func read(_ descriptor: Int32, milliseconds: Int, until isEnough: (String) -> Bool) -> String {
        let deadline = ContinuousClock.now + .milliseconds(milliseconds)
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while ContinuousClock.now < deadline {
            var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&watched, 1, 20) == 1 else { continue }
            let count = chunk.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress, $0.count) }
            if count <= 0 { break }
            all += chunk[..<count]
            if isEnough(String(decoding: all, as: UTF8.self)) { break }
        }
        return String(decoding: all, as: UTF8.self)
    }

    private static func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, bytes, count)
        #else
            Darwin.read(descriptor, bytes, count)
        #endif
    }

    /// Reads a descriptor to its end on a thread of its own.
    final class Reader: Sendable {
        private let bytes = NIOLockedValueBox<[UInt8]>([])
        private let done = DispatchSemaphore(value: 0)

        init(_ descriptor: Int32) {
            DispatchQueue(label: "reader").async {
                let all = LogProbe.readToEnd(descriptor)
                self.bytes.withLockedValue { $0 = all }
                self.done.signal()
            }
        }

        func finish() -> [Substring] {
            done.wait()
            return bytes.withLockedValue { String(decoding: $0, as: UTF8.self) }.split(separator: "\n")
        }
    }
}
