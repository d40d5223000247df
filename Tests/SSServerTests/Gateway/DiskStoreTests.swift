import NIOCore
import NIOPosix
import SSCommon
import SSServerCore
import Testing

@testable import ssserver

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

private func answer(_ path: String, _ count: Int, variant: String? = nil, fill: UInt8 = 7) -> StoredResponse {
    var body = BlockBytes()
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) &+ fill }
    bytes.withUnsafeBytes { body.append($0, expected: count) }
    let terms = StoredTerms(
        source: .maxAge, received: 1_700_000_000, initialAge: 3, lifetime: 60, staleWhileRevalidate: 5, staleIfError: 6,
        mustAsk: false, mustNotBeStale: true)
    let head = StoredHead(status: 200, reason: Array("OK".utf8), lines: Array("ETag: \"a\"\r\n".utf8))
    let key = variant.map { VariantKey(names: [Array("accept".utf8)], values: Array($0.utf8)) }
    return StoredResponse(
        CacheKey(bytes: Array("example.net:80\(path)".utf8)), key, terms, head, body,
        origin: IPAddress("192.0.2.1"), cost: 12)
}

private func bytes(_ stored: StoredResponse) -> [UInt8]? {
    var all: [UInt8] = []
    guard let file = stored.file else {
        while let piece = stored.piece(at: all.count, limit: .max) { piece.withBytes { all += $0 } }
        return all
    }
    guard let reader = file.opened() else { return nil }
    while all.count < stored.bodyCount {
        guard let (block, start) = reader.block(at: all.count), start == all.count else { return nil }
        block.withBytes(0..<block.capacity) { all += $0 }
    }
    return all
}

@Suite struct DiskStoreTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    private func find(_ store: DiskStore, _ path: String) async throws -> [StoredResponse] {
        try await store.find(CacheKey(bytes: Array("example.net:80\(path)".utf8)), on: loop).get()
    }

    @Test(
        "what was written is there again after a start, byte for byte",
        arguments: [0, 1, 1000, 65_536, 300_001, 2_000_000])
    func survives(count: Int) async throws {
        let folder = CacheFolder()
        var store: DiskStore? = try await folder.ready()
        let written = answer("/a", count)
        store?.write(written)
        try await until { store?.overview.objects == 1 }
        store?.end()
        store = nil
        let again = try await folder.ready()
        let found = try await find(again, "/a")
        #expect(found.count == 1)
        let stored = try #require(found.first)
        #expect(stored.key == written.key)
        #expect(stored.terms == written.terms)
        #expect(stored.head == written.head)
        #expect(stored.origin == written.origin)
        #expect(stored.cost == 12)
        #expect(bytes(stored) == bytes(written))
        #expect(try await find(again, "/b").isEmpty)
        again.end()
    }

    @Test(
        "a changed byte anywhere in a file is noticed, and nothing of its block is served",
        arguments: [0, 9, 17, 25, 60, 120, 200, 70_000, 199_000, 200_250])
    func damaged(offset: Int) async throws {
        let folder = CacheFolder()
        let store = try await folder.ready()
        store.write(answer("/a", 300_000))
        try await until { store.overview.objects == 1 }
        let path = try #require(folder.files.first)
        let descriptor = open(path, O_RDWR)
        var byte: UInt8 = 0
        #expect(pread(descriptor, &byte, 1, off_t(offset)) == 1)
        byte ^= 0x10
        #expect(pwrite(descriptor, &byte, 1, off_t(offset)) == 1)
        close(descriptor)
        let found = try await find(store, "/a")
        #expect(found.isEmpty || found.first.flatMap(bytes) == nil)
        store.end()
    }

    @Test("a file that is cut off at any length is not believed")
    func torn() async throws {
        let folder = CacheFolder()
        var store: DiskStore? = try await folder.ready()
        let written = answer("/a", 1000)
        store?.write(written)
        try await until { store?.overview.objects == 1 }
        let path = try #require(folder.files.first)
        let whole = try #require(DiskDescriptor(path, O_RDONLY)?.read(at: 0, count: fileSize(path)))
        store?.end()
        store = nil
        for length in stride(from: 0, to: whole.count, by: 37) {
            let descriptor = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0o600)
            _ = whole.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, length) }
            close(descriptor)
            let again = try await folder.ready()
            #expect(try await find(again, "/a").isEmpty, "\(length) bytes")
            #expect(again.overview.objects == 0)
            again.end()
        }
    }

    private func fileSize(_ path: String) -> Int {
        var status = stat()
        stat(path, &status)
        return Int(status.st_size)
    }

    @Test("answers that differ by Vary lie beside one another, and a new one takes its elder's place")
    func variants() async throws {
        let folder = CacheFolder()
        let store = try await folder.ready()
        for variant in ["x", "y"] { store.write(answer("/a", 100, variant: variant)) }
        try await until { store.overview.objects == 2 }
        store.write(answer("/a", 50, variant: "x"))
        try await until { folder.files.count == 2 }
        try await Task.sleep(for: .milliseconds(100))
        let found = try await find(store, "/a")
        #expect(Set(found.map(\.bodyCount)) == [100, 50])
        #expect(store.remove(found[0].key) == 2)
        #expect(try await find(store, "/a").isEmpty)
        store.end()
    }

    @Test("it never takes more than its share")
    func capacity() async throws {
        let folder = CacheFolder()
        let store = try await folder.ready(capacity: 1 << 20)
        for number in 0..<100 {
            store.write(answer("/\(number)", 50_000))
            try await until { store.overview.bytes <= 1 << 20 }
        }
        try await Task.sleep(for: .milliseconds(300))
        let size = folder.files.reduce(0) { $0 + fileSize($1) }
        #expect(size <= 1 << 20)
        #expect(folder.files.count == store.overview.objects)
        #expect(store.overview.objects > 10)
        store.end()
    }

    @Test("two servers do not share a directory")
    func locked() async throws {
        let folder = CacheFolder()
        let store = try await folder.ready()
        #expect(throws: DiskStore.Failure.self) { try folder.open() }
        store.end()
    }

    @Test("what a crash has left half written is taken away")
    func leftovers() async throws {
        let folder = CacheFolder()
        var store: DiskStore? = try await folder.ready()
        store?.end()
        store = nil
        close(open(folder.path + "/new/0123456789abcdef-1-64", O_WRONLY | O_CREAT, 0o600))
        let again = try await folder.ready()
        #expect(CacheFolder.names(folder.path + "/new").isEmpty)
        again.end()
    }

    @Test("a directory that cannot be written to costs nothing but the cache")
    func unwritable() async throws {
        let folder = CacheFolder()
        let store = try await folder.ready()
        rmdir(folder.path + "/new")
        store.write(answer("/a", 100))
        try await until { store.overview.failures == 1 }
        #expect(try await find(store, "/a").isEmpty)
        mkdir(folder.path + "/new", 0o700)
        store.end()
    }
}
