import Logging
import SSServerCore
import Testing

@testable import ssserver

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A directory that goes with the test.
final class CacheFolder {
    let path: String

    init() {
        var name = Array("/tmp/disk-store.XXXXXX".utf8CString)
        path = name.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit {
        for file in files { unlink(file) }
        for folder in 0..<256 { rmdir(path + "/" + (folder < 16 ? "0" : "") + String(folder, radix: 16)) }
        rmdir(path + "/new")
        unlink(path + "/key")
        rmdir(path)
    }

    /// Kept answers.
    var files: [String] {
        (0..<256).flatMap { folder in
            let path = self.path + "/" + (folder < 16 ? "0" : "") + String(folder, radix: 16)
            return Self.names(path).map { path + "/" + $0 }
        }
    }

    static func names(_ path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    func open(capacity: Int = 64 << 20) throws -> DiskStore {
        try DiskStore(
            path, capacity: capacity, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }
}

/// Waits, at most five seconds.
func until(_ condition: () -> Bool) async throws {
    for _ in 0..<500 where !condition() { try await Task.sleep(for: .milliseconds(10)) }
    #expect(condition())
}

extension CacheFolder {
    /// A store that knows all its files.
    func ready(capacity: Int = 64 << 20) async throws -> DiskStore {
        // The one before may not have let go yet.
        var store = try? open(capacity: capacity)
        for _ in 0..<500 where store == nil {
            try await Task.sleep(for: .milliseconds(10))
            store = try? open(capacity: capacity)
        }
        let opened = try #require(store)
        try await until { opened.overview.isComplete }
        return opened
    }
}
