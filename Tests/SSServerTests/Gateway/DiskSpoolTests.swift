import NIOCore
import NIOPosix
import SSCommon
import SSServerCore
import Synchronization
import Testing

@testable import ssserver

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("What is too large for memory")
struct DiskSpoolTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()
    private static let key = CacheKey(bytes: Array("example.net:80/large".utf8))

    private static let nothing: @Sendable () -> Void = {}

    private static func pattern(_ range: Range<Int>) -> [UInt8] {
        range.map { UInt8(truncatingIfNeeded: ($0 >> 16) &+ $0 &* 7) }
    }

    private func body(_ count: Int) -> BlockBytes {
        var body = BlockBytes()
        Self.pattern(0..<count).withUnsafeBytes { body.append($0, expected: count) }
        return body
    }

    private func begin(_ store: DiskStore, expected: Int? = nil) -> DiskSpool? {
        let terms = StoredTerms(
            source: .maxAge, received: 1_700_000_000, initialAge: 0, lifetime: 60, staleWhileRevalidate: 0,
            staleIfError: 0, mustAsk: false, mustNotBeStale: false)
        let head = StoredHead(status: 200, reason: Array("OK".utf8), lines: Array("ETag: \"a\"\r\n".utf8))
        return store.spool(
            DiskSpool.Answer(key: Self.key, variant: nil, terms: terms, head: head, origin: IPAddress("192.0.2.1")),
            expected: expected)
    }

    private func read(_ reader: (any StoredFileReader)?, count: Int) -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count, let (block, start) = reader?.block(at: all.count), start <= all.count {
            block.withBytes(all.count - start..<block.capacity) { all += $0 }
        }
        return all
    }

    @Test("What was written can be read at once, and is kept once all is there", arguments: [200_000, 262_144])
    func written(count: Int) async throws {
        let folder = CacheFolder()
        var store: DiskStore? = try await folder.ready()
        let body = body(count)
        var spool = begin(try #require(store))
        #expect(spool?.write(body, 0..<131_072) == true)
        #expect(read(spool, count: count) == Self.pattern(0..<131_072))
        #expect(spool?.write(body, 131_072..<count) == true)
        #expect(read(spool, count: count) == Self.pattern(0..<count) && folder.files.isEmpty)
        let kept = try #require(spool?.finish(cost: 77))
        #expect(kept.bodyCount == count && kept.cost == 77 && kept.isWritten.load(ordering: .relaxed))
        #expect(read(kept.file?.opened(), count: count) == Self.pattern(0..<count))
        #expect(store?.overview.objects == 1 && CacheFolder.names(folder.path + "/new").isEmpty)
        // Those who are still reading go on.
        #expect(read(spool, count: count) == Self.pattern(0..<count))
        spool = nil
        store?.end()
        store = nil
        let again = try await folder.ready()
        let found = try await again.find(Self.key, on: loop).get()
        #expect(found.count == 1 && found.first?.bodyCount == count && found.first?.head == kept.head)
        #expect(found.first?.terms == kept.terms && found.first?.origin == IPAddress("192.0.2.1"))
        again.end()
    }

    @Test("What does not become whole goes, and its room is another's")
    func unfinished() async throws {
        let folder = CacheFolder()
        let store = try await folder.ready(capacity: 40 << 20)
        var first = begin(store, expected: 16 << 20)
        #expect(first?.write(body(65_536), 0..<65_536) == true)
        #expect(CacheFolder.names(folder.path + "/new").count == 1)
        // Half of the disk is for what is on its way.
        #expect(begin(store, expected: 5 << 20) == nil && begin(store, expected: 4 << 20) != nil)
        let other = try #require(begin(store))
        #expect(other.reserve(1) == false)
        first = nil
        try await until { CacheFolder.names(folder.path + "/new").isEmpty }
        #expect(other.reserve(1) && store.overview.objects == 0)
        store.end()
    }

    @Test("What is kept makes room for what comes")
    func makesRoom() async throws {
        let folder = CacheFolder()
        let store = try await folder.ready(capacity: 1 << 20)
        let all = body(400_000)
        for _ in 0..<3 {
            let spool = try #require(begin(store, expected: 400_000))
            #expect(spool.write(all, 0..<400_000) && spool.finish(cost: 1) != nil)
        }
        // The same object, so the last one is in the place of the others.
        #expect(store.overview.objects == 1)
        try await until { folder.files.count == 1 }
        store.end()
    }

    @Test("What was made void while it came is not kept")
    func void() async throws {
        let folder = CacheFolder()
        let store = try await folder.ready()
        let spool = try #require(begin(store))
        #expect(spool.write(body(100_000), 0..<100_000))
        store.remove(Self.key)
        #expect(spool.finish(cost: 1) == nil && store.overview.objects == 0 && folder.files.isEmpty)
        store.end()
    }

    @Test("A disk that fails is said to, and is let alone for a while")
    func failing() async throws {
        let folder = CacheFolder()
        let store = try await folder.ready()
        let spool = try #require(begin(store))
        rmdir(folder.path + "/new")
        #expect(!spool.write(body(65_536), 0..<65_536) && spool.isBroken && store.overview.failures == 1)
        #expect(spool.block(at: 0) == nil && spool.finish(cost: 1) == nil && begin(store) == nil)
        mkdir(folder.path + "/new", 0o700)
        store.end()
    }

    @Test("Where nothing more is written, readers get what was, and what memory has")
    func stopped() async throws {
        let folder = CacheFolder()
        let store = try await folder.ready()
        let count = 3_000_000
        let all = Self.pattern(0..<count)
        let flight = Flight(isShared: true, .uriMiss)
        let id = try #require(flight.join(loop, leads: true, wake: Self.nothing))
        flight.answered(try Self.response(), keepsAll: true, isShared: true, nil, CacheStatus(.hit))
        let spool = try #require(begin(store))
        flight.spill(to: spool)
        _ = all.withUnsafeBytes { flight.append($0, expected: count) }
        flight.writeMore(on: store)
        try await until { spool.block(at: 2 << 20) != nil }
        flight.keepNoMore()
        #expect(spool.isBroken && flight.join(loop, wake: Self.nothing) == nil)
        var got: [UInt8] = []
        while got.count < count {
            switch flight.read(id, limit: 70_000) {
            case .piece(let piece): piece.withBytes { got += $0 }
            case .onDisk(let spool, let position):
                let (block, start) = try #require(spool.block(at: position))
                block.withBytes(position - start..<block.capacity) { got += $0 }
                flight.hasRead(id, start + block.capacity - position)
            case .nothing: throw Missing()
            }
        }
        #expect(got == all && flight.canTakeMore)
        store.end()
    }

    private struct Missing: Error {}

    @Test("Readers of a flight get all of it, from memory or from disk, each at their own pace")
    func flight() async throws {
        let folder = CacheFolder()
        let store = try await folder.ready()
        let count = 12_000_000
        let all = Self.pattern(0..<count)
        let flight = Flight(isShared: true, .uriMiss)
        let readers = try (0..<3).map { number in
            try #require(flight.join(loop, leads: number == 0, wake: Self.nothing))
        }
        flight.answered(try Self.response(), keepsAll: true, isShared: true, nil, CacheStatus(.hit))
        var got = [[UInt8]](repeating: [], count: readers.count)
        var disk = 0
        // Returns false where there is nothing.
        func step(_ number: Int, limit: Int) -> Bool {
            switch flight.read(readers[number], limit: limit) {
            case .piece(let piece):
                piece.withBytes { got[number] += $0 }
                return true
            case .onDisk(let spool, let position):
                guard let (block, start) = spool.block(at: position) else { return false }
                let end = min(block.capacity, position - start + limit)
                block.withBytes(position - start..<end) { got[number] += $0 }
                flight.hasRead(readers[number], end - (position - start))
                disk += 1
                return true
            case .nothing: return false
            }
        }
        var sent = 0
        var isSpilled = false
        while sent < count {
            if flight.canTakeMore {
                let piece = min(200_000, count - sent)
                _ = all[sent..<sent + piece].withUnsafeBytes { flight.append($0, expected: count) }
                sent += piece
                if sent > 1_000_000, !isSpilled {
                    isSpilled = true
                    flight.spill(to: try #require(begin(store, expected: count)))
                }
                flight.writeMore(on: store)
            } else {
                try await Task.sleep(for: .milliseconds(1))
            }
            // One keeps up, one is slow, and one reads nothing before all is there.
            while step(0, limit: 256 * 1024) {}
            _ = step(1, limit: 50_000)
        }
        let done = Atomic(false)
        flight.completeSpool(on: store) { spool in
            #expect(spool.finish(cost: 1) != nil)
            done.store(true, ordering: .relaxed)
        }
        flight.end(.whole(trailers: nil))
        try await until { done.load(ordering: .relaxed) }
        for number in 0..<3 { while step(number, limit: 100_000) {} }
        for number in 0..<3 { #expect(got[number] == all, "reader \(number)") }
        #expect(disk > 50)
        let found = try await store.find(Self.key, on: loop).get()
        #expect(found.first.map { read($0.file?.opened(), count: count) } == all)
        store.end()
    }

    private static func response() throws -> HTTPResponse {
        var parser = HTTPHeadParser(.response)
        let text = Array("HTTP/1.1 200 OK\r\nContent-Length: 12000000\r\n\r\n".utf8)
        let head = try #require(try parser.parse(text.span.bytes)).head
        return try HTTPResponse(head, toHEAD: false)
    }
}
