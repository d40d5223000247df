import Foundation
import SSCommon
import Testing

@testable import SSNetwork

@Suite("What was seen, kept in files")
struct ReplayStoreTests {
    /// A directory of the test's own.
    private final class Scratch {
        let path = "/tmp/ss-replay-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        init() { try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: path) }

        func guarded(capacity: Int = 1000, limit: Int = 1000) throws -> ReplayGuard {
            try ReplayGuard(directory: path, capacity: capacity, limit: limit) { Issue.record("\($0)") }
        }

        var files: [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { $0 != "replay.lock" }
                .map { path + "/" + $0 }
        }
    }

    private func isRefused(_ salt: Salt, _ method: CipherMethod, by memory: ReplayGuard) -> Bool {
        do throws(StreamFault) {
            try memory.remember(salt, method)
            return false
        } catch {
            return error == .replayed
        }
    }

    @Test(
        "Every salt is known after the next start",
        arguments: [CipherMethod.aes128GCM, .aes256GCM, .blake3AES128GCM, .blake3AES256GCM])
    func restart(method: CipherMethod) throws {
        let scratch = Scratch()
        var salts: [Salt] = []
        for _ in 0..<5 {
            let memory = try scratch.guarded()
            for salt in salts { #expect(isRefused(salt, method, by: memory)) }
            for _ in 0..<50 {
                let salt = Salt.random(for: method)
                #expect(!isRefused(salt, method, by: memory))
                salts.append(salt)
            }
        }
    }

    @Test("Of classic salts at least the latest of one generation are known, however often it turned")
    func generations() throws {
        let scratch = Scratch()
        let salts = (0..<500).map { _ in Salt.random(for: .aes256GCM) }
        for part in stride(from: 0, to: 500, by: 70) {
            let memory = try scratch.guarded(capacity: 100)
            for salt in salts[part..<min(part + 70, 500)] { #expect(memory.isFresh(salt)) }
        }
        let memory = try scratch.guarded(capacity: 100)
        for salt in salts.suffix(100) { #expect(!memory.isFresh(salt)) }
    }

    @Test("A directory is one process's")
    func lock() throws {
        let scratch = Scratch()
        let first = try scratch.guarded()
        #expect(throws: ReplayStore.Failure.self) { try scratch.guarded() }
        withExtendedLifetime(first) {}
    }

    @Test("Files are readable by their owner alone")
    func modes() throws {
        let scratch = Scratch()
        _ = try scratch.guarded()
        #expect(scratch.files.count == 4)
        for file in scratch.files {
            let attributes = try FileManager.default.attributesOfItem(atPath: file)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test("A file cut anywhere, or with any byte changed, is read as far as it is good")
    func damaged() throws {
        let scratch = Scratch()
        let salts = (0..<4).map { _ in Salt.random(for: .blake3AES256GCM) }
        do {
            let memory = try scratch.guarded()
            for salt in salts { #expect(!isRefused(salt, .blake3AES256GCM, by: memory)) }
        }
        let file = try #require(
            scratch.files.first { $0.contains("2022") && (FileManager.default.contents(atPath: $0)?.count ?? 0) > 40 })
        let whole = try #require(FileManager.default.contents(atPath: file))
        #expect(whole.count == 40 + 4 * SaltRecord.length)
        for count in 0..<whole.count {
            try whole.prefix(count).write(to: URL(fileURLWithPath: file))
            let known = max(0, count - 40) / SaltRecord.length
            let memory = try scratch.guarded()
            for (index, salt) in salts.enumerated() where index < known || count < 40 {
                #expect(memory.isKnown(salt, .blake3AES256GCM) == (count >= 40), "\(count) bytes, salt \(index)")
            }
        }
        for index in whole.indices {
            var altered = whole
            altered[index] ^= 1
            try altered.write(to: URL(fileURLWithPath: file))
            let memory = try scratch.guarded()
            let known = salts.count { memory.isKnown($0, .blake3AES256GCM) }
            // One record at most, or all where the header is another's.
            #expect(index < 40 ? known == 0 || known == 4 : known == 3, "byte \(index)")
        }
    }

    @Test("A disk that takes no more is told of once, and what comes then is still known in memory")
    func full() throws {
        let scratch = Scratch()
        let failures = Failures()
        let memory = try ReplayGuard(directory: scratch.path, capacity: 1000, limit: 1000) { _ in failures.note() }
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        let former = limit
        signal(SIGXFSZ, SIG_IGN)
        limit.rlim_cur = 40 + 3 * 48
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        defer {
            var former = former
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &former)
        }
        let salts = (0..<10).map { _ in Salt.random(for: .blake3AES256GCM) }
        for salt in salts { #expect(!isRefused(salt, .blake3AES256GCM, by: memory)) }
        for salt in salts { #expect(isRefused(salt, .blake3AES256GCM, by: memory)) }
        #expect(failures.count == 1)
    }

    private final class Failures: @unchecked Sendable {
        private let lock = NSLock()
        private var value = 0
        var count: Int { lock.withLock { value } }
        func note() { lock.withLock { value += 1 } }
    }
}
