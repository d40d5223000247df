// Kept answers on disk. A file is written whole under another name and then renamed, so that a crash leaves it whole or not at all;
// what is in it is believed by its sums only. What cannot be read or written is as if it were not there: clients are served
// from origins. All of it happens on threads of its own.
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix
internal import SSCommon
internal import SSNetwork
internal import SSServerCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

final class DiskStore: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct State {
        var index: DiskIndex
        /// Whether all files that were there at the start are known.
        var isComplete = false
        /// Bytes that wait to be written.
        var pending = 0
        /// Nothing is written before, since the disk was full or failed.
        var pausedUntil: UnixSeconds = 0
        var failures: UInt64 = 0
        /// What is on its way to the disk, and out of date.
        var voids = VoidLog<UInt64>()
        /// The same of files that are not known yet.
        var unknown: Set<UInt64> = []

        mutating func void(_ hash: UInt64) {
            voids.note(hash)
            if !isComplete { unknown.insert(hash) }
        }
    }

    /// What a file turned out to be.
    private enum Reading {
        case stored(StoredResponse)
        /// Not what was written, or not there.
        case bad
        /// It cannot be read now.
        case unavailable
    }

    /// Bodies up to this many bytes are taken into memory when they are asked for.
    private static let smallBody = 256 * 1024
    /// What waits to be written may take so much memory.
    private static let maximumPending = 32 << 20
    /// Seconds without writing after a failure.
    private static let pause: UnixSeconds = 60

    /// A name is never used again for something else, so what is open under it is what it was.
    private struct OpenFile {
        weak var reader: DiskFile.Reader?
    }

    private static let rememberedReaders = 256

    private let readers = NIOLockedValueBox<[String: OpenFile]>([:])
    private let directory: String
    private let sum: DiskSum
    private let state: NIOLockedValueBox<State>
    private let threads = NIOThreadPool(numberOfThreads: 4)
    private let logger: Logger
    /// Held so that no other process uses the directory.
    private let lock: DiskDescriptor

    /// Opens the directory, or makes it; what is in it becomes known in the background.
    init(_ directory: String, capacity: Int, logger: Logger) throws(Failure) {
        self.directory = directory
        self.logger = logger
        state = NIOLockedValueBox(State(index: DiskIndex(capacity: capacity)))
        mkdir(directory, 0o700)
        mkdir(directory + "/new", 0o700)
        guard let lock = DiskDescriptor(directory + "/key", O_RDWR | O_CREAT) else {
            throw Failure(description: "\(directory): \(String(cString: strerror(errno)))")
        }
        guard flock(lock.number, LOCK_EX | LOCK_NB) == 0 else {
            throw Failure(description: "\(directory): another process uses it")
        }
        self.lock = lock
        sum = try Self.key(lock, directory)
        threads.start()
        threads.submit { [self] _ in scan() }
    }

    /// What the sums are made with: random bytes, made once. Without it nothing that is there can be read.
    private static func key(_ file: DiskDescriptor, _ directory: String) throws(Failure) -> DiskSum {
        if file.read(at: 0, count: DiskSum.keyLength) == nil {
            var random = SystemRandomNumberGenerator()
            let new = (0..<DiskSum.keyLength).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            guard ftruncate(file.number, 0) == 0, new.withUnsafeBytes({ file.write($0, at: 0) }) else {
                throw Failure(description: "\(directory)/key: \(String(cString: strerror(errno)))")
            }
        }
        guard let key = file.read(at: 0, count: DiskSum.keyLength) else {
            throw Failure(description: "\(directory)/key cannot be read")
        }
        return DiskSum(key: key)
    }

    /// What has begun is finished; then another process may have the directory.
    func end() { threads.shutdownGracefully { [lock] _ in flock(lock.number, LOCK_UN) } }

    // MARK: What is there

    private func scan() {
        for name in Self.names(directory + "/new") { unlink(directory + "/new/" + name) }
        var found: [DiskIndex.File] = []
        for folder in 0..<256 {
            let path = self.folder(UInt8(folder))
            for name in Self.names(path) {
                if let file = DiskIndex.File(name: name) { found.append(file) }
            }
        }
        found.sort { $0.number < $1.number }
        for batch in stride(from: 0, to: found.count, by: 256) {
            let gone = state.withLockedValue { state in
                found[batch..<min(batch + 256, found.count)].flatMap { file in
                    // It may have been made void before it was known.
                    state.unknown.contains(file.hash) ? [file] : state.index.insert(file)
                }
            }
            for file in gone { unlink(path(file)) }
        }
        state.withLockedValue { state in
            state.isComplete = true
            state.unknown = []
        }
        logger.info("the cache on disk is ready", metadata: ["objects": "\(found.count)"])
    }

    private static func names(_ path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private func folder(_ number: UInt8) -> String {
        directory + "/" + (number < 16 ? "0" : "") + String(number, radix: 16)
    }

    func path(_ file: DiskIndex.File) -> String {
        folder(UInt8(truncatingIfNeeded: file.hash >> 56)) + "/" + file.name
    }

    struct Overview: Sendable {
        var objects: Int
        var bytes: Int
        var capacity: Int
        var failures: UInt64
        var isComplete: Bool
    }

    var overview: Overview {
        state.withLockedValue { state in
            Overview(
                objects: state.index.count, bytes: state.index.byteCount, capacity: state.index.capacity,
                failures: state.failures, isComplete: state.isComplete)
        }
    }

    /// Whether it is worth looking.
    func mayHave(_ key: CacheKey) -> Bool {
        let hash = sum.sum(key.bytes)
        return state.withLockedValue { !$0.index.files(of: hash).isEmpty }
    }

    /// The same for somebody who only wants to know; an empty list where the disk is not there.
    func find(_ key: CacheKey) async -> [StoredResponse] {
        (try? await find(key, on: MultiThreadedEventLoopGroup.singleton.next()).get()) ?? []
    }

    /// What is kept under a key; small bodies in memory.
    func find(_ key: CacheKey, on loop: any EventLoop) -> EventLoopFuture<[StoredResponse]> {
        threads.runIfActive(eventLoop: loop) { [self] in
            let hash = sum.sum(key.bytes)
            let files = state.withLockedValue { state in
                let files = state.index.files(of: hash)
                for file in files { state.index.touch(file) }
                return files
            }
            var found: [StoredResponse] = []
            for file in files.prefix(MemoryTier.maximumVariants) {
                guard let stored = readOrDiscard(file) else { continue }
                guard stored.key == key, !found.contains(where: { $0.variant == stored.variant }) else { continue }
                guard stored.bodyCount <= Self.smallBody, let reader = stored.file?.opened() else {
                    found.append(stored)
                    continue
                }
                if let one = inMemory(stored, reader) { found.append(one) } else { discard(file) }
            }
            return found
        }
    }

    /// Opens a body for reading.
    func open(_ file: any StoredFile, on loop: any EventLoop) -> EventLoopFuture<(any StoredFileReader)?> {
        threads.runIfActive(eventLoop: loop) { [self] in shared(file) }
    }

    /// One descriptor for all who read a file.
    private func shared(_ file: any StoredFile) -> (any StoredFileReader)? {
        guard let file = file as? DiskFile else { return file.opened() }
        if let reader = readers.withLockedValue({ $0[file.path]?.reader }) { return reader }
        guard let reader = file.reader() else { return nil }
        readers.withLockedValue { readers in
            if readers.count >= Self.rememberedReaders { readers = readers.filter { $0.value.reader != nil } }
            readers[file.path] = OpenFile(reader: reader)
        }
        return reader
    }

    func block(
        _ reader: any StoredFileReader, at offset: Int, on loop: any EventLoop
    ) -> EventLoopFuture<(block: BodyBlock, start: Int)?> {
        threads.runIfActive(eventLoop: loop) { reader.block(at: offset) }
    }

    private func readOrDiscard(_ file: DiskIndex.File) -> StoredResponse? {
        switch read(file) {
        case .stored(let stored): return stored
        case .bad:
            discard(file)
            return nil
        case .unavailable: return nil
        }
    }

    private func read(_ file: DiskIndex.File) -> Reading {
        let path = path(file)
        // A process without descriptors or memory says nothing about the file.
        guard let descriptor = DiskDescriptor(path, O_RDONLY) else { return errno == ENOENT ? .bad : .unavailable }
        guard descriptor.size == file.size, let prefix = descriptor.read(at: 0, count: DiskRecord.prefixCount),
            let count = DiskRecord.headCount(prefix),
            let head = descriptor.read(at: DiskRecord.prefixCount, count: count)
        else { return .bad }
        let start = DiskRecord.prefixCount + count
        guard
            let stored = DiskRecord.read(
                prefix, head, sum, file: { DiskFile(path: path, sum: sum, start: start, count: $0) }),
            start + stored.bodyCount + DiskRecord.backCount(stored.bodyCount) == file.size
        else { return .bad }
        return .stored(stored)
    }

    /// The same with its body in memory; nil if that is not what was written.
    private func inMemory(_ stored: StoredResponse, _ reader: any StoredFileReader) -> StoredResponse? {
        var body = BlockBytes()
        while body.count < stored.bodyCount {
            guard let (block, start) = reader.block(at: body.count), start == body.count else { return nil }
            block.withBytes(0..<block.capacity) { body.append($0, expected: stored.bodyCount) }
        }
        let copy = StoredResponse(
            stored.key, stored.variant, stored.terms, stored.head, body, origin: stored.origin, cost: stored.cost)
        copy.isWritten.store(true, ordering: .relaxed)
        return copy
    }

    // MARK: Keeping

    /// Writes an answer whose body is in memory, some time; or not, if there is too much to write.
    func write(_ response: StoredResponse) {
        guard response.file == nil, !response.isWritten.exchange(true, ordering: .relaxed) else { return }
        let now = WallClock.now()
        let isTaken = state.withLockedValue { state in
            guard state.isComplete, state.pausedUntil <= now,
                state.pending + response.bodyCount <= Self.maximumPending
                    || state.pending == 0
            else { return false }
            state.pending += response.bodyCount
            return true
        }
        let generation = state.withLockedValue { $0.voids.generation }
        guard isTaken else {
            response.isWritten.store(false, ordering: .relaxed)
            return
        }
        threads.submit { [self] taken in
            if case .active = taken { writeNow(response, since: generation) }
            state.withLockedValue { $0.pending -= response.bodyCount }
        }
    }

    private func writeNow(_ response: StoredResponse, since generation: UInt64) {
        let hash = sum.sum(response.key.bytes)
        guard !isVoid(hash, since: generation) else { return }
        let front = DiskRecord.front(response, sum)
        guard front.count <= DiskRecord.maximumHead else { return }
        let back = DiskRecord.back(response, sum)
        let size = front.count + response.bodyCount + back.count
        let number = state.withLockedValue { $0.index.takeNumber() }
        let file = DiskIndex.File(hash: hash, number: number, size: size)
        let new = directory + "/new/" + file.name
        guard let descriptor = DiskDescriptor(new, O_WRONLY | O_CREAT | O_EXCL) else { return failed("open", new) }
        var isWhole = front.withUnsafeBytes { descriptor.write($0, at: 0) }
        var offset = 0
        while isWhole, let piece = response.piece(at: offset, limit: .max) {
            isWhole = piece.withBytes { descriptor.write($0, at: front.count + offset) }
            offset += piece.count
        }
        if isWhole { isWhole = back.withUnsafeBytes { descriptor.write($0, at: front.count + offset) } }
        guard isWhole else { return failed("write", new) }
        publish(new, file, response, since: generation)
    }

    /// Whether something newer may be there already.
    func isVoid(_ hash: UInt64, since generation: UInt64) -> Bool {
        state.withLockedValue { $0.voids.isVoid(hash, since: generation) }
    }

    /// Puts a file that is written in its place, and what was kept for the same requests away. False if it is not there then.
    @discardableResult
    func publish(
        _ new: String, _ file: DiskIndex.File, _ response: StoredResponse, since generation: UInt64
    ) -> Bool {
        mkdir(folder(UInt8(truncatingIfNeeded: file.hash >> 56)), 0o700)
        discard(state.withLockedValue { $0.index.files(of: file.hash) }, like: response)
        guard rename(new, path(file)) == 0 else {
            failed("rename", new)
            return false
        }
        let gone = state.withLockedValue { state in
            state.voids.isVoid(file.hash, since: generation) ? [file] : state.index.insert(file)
        }
        for gone in gone { unlink(path(gone)) }
        return !gone.contains(file)
    }

    // MARK: What is too large for memory

    /// Something that is written while it comes; nil where nothing is to be written now. `expected` are the bytes of its body, if
    /// that is known.
    func spool(_ answer: DiskSpool.Answer, expected: Int?) -> DiskSpool? {
        let hash = sum.sum(answer.key.bytes)
        let now = WallClock.now()
        let begun: (number: UInt64, generation: UInt64)? = state.withLockedValue { state in
            guard state.isComplete, state.pausedUntil <= now else { return nil }
            return (state.index.takeNumber(), state.voids.generation)
        }
        guard let (number, generation) = begun else { return nil }
        let path = directory + "/new/" + DiskIndex.File(hash: hash, number: number, size: 0).name
        let spool = DiskSpool(answer, self, sum, path: path, hash: hash, number: number, since: generation)
        return spool.reserve(expected ?? 0, isAll: expected != nil) ? spool : nil
    }

    /// Room for so many bytes more that are being written, or given back; false where they would be too large a share.
    func reserve(_ bytes: Int) -> Bool {
        let gone: [DiskIndex.File]? = state.withLockedValue { state in
            guard bytes < 0 || state.index.reserved + bytes <= state.index.capacity / 2 else { return nil }
            return state.index.reserve(bytes)
        }
        guard let gone else { return false }
        if !gone.isEmpty { submit { [self] _ in for file in gone { unlink(path(file)) } } }
        return true
    }

    /// Bytes that one object may have, and all together that are being written.
    var largest: Int { state.withLockedValue { $0.index.capacity / 2 } }

    /// On a thread that may wait for the disk; `false` if there is none any more.
    func submit(_ body: @escaping @Sendable (Bool) -> Void) {
        threads.submit { state in
            if case .active = state { body(true) } else { body(false) }
        }
    }

    func failed(_ call: String, _ path: String) {
        let reason = String(cString: strerror(errno))
        unlink(path)
        state.withLockedValue { state in
            state.failures += 1
            state.pausedUntil = WallClock.now() + Self.pause
        }
        logger.warning(
            "the cache on disk cannot be written to; it is tried again in a minute",
            metadata: ["call": "\(call)", "reason": "\(reason)"])
    }

    /// What is kept for the same requests is out of date.
    func supersede(_ response: StoredResponse) {
        let hash = sum.sum(response.key.bytes)
        let files = state.withLockedValue { state in
            state.void(hash)
            return state.index.files(of: hash)
        }
        guard !files.isEmpty else { return }
        threads.submit { [self] _ in discard(files, like: response) }
    }

    private func discard(_ files: [DiskIndex.File], like response: StoredResponse) {
        for file in files {
            guard let old = readOrDiscard(file) else { continue }
            if old.key == response.key, old.variant == response.variant { discard(file) }
        }
    }

    /// Forgets what is kept under a key, at once.
    @discardableResult
    func remove(_ key: CacheKey) -> Int {
        let hash = sum.sum(key.bytes)
        let files = state.withLockedValue { state in
            let files = state.index.files(of: hash)
            state.void(hash)
            for file in files { state.index.remove(file) }
            return files
        }
        if !files.isEmpty { threads.submit { [self] _ in for file in files { unlink(path(file)) } } }
        return files.count
    }

    private func discard(_ file: DiskIndex.File) {
        state.withLockedValue { $0.index.remove(file) }
        unlink(path(file))
    }

    /// Forgets everything that `isMeant` says; how many there were.
    func purge(where isMeant: @escaping @Sendable (CacheKey) -> Bool) async -> Int {
        // What is not known yet would come back.
        for _ in 0..<600 where !overview.isComplete { try? await Task.sleep(for: .milliseconds(50)) }
        let count = try? await threads.runIfActive { [self] in
            state.withLockedValue { $0.voids.noteAll() }
            var count = 0
            for file in state.withLockedValue({ $0.index.all }) {
                guard let stored = readOrDiscard(file) else { continue }
                guard isMeant(stored.key) else { continue }
                discard(file)
                count += 1
            }
            return count
        }
        return count ?? 0
    }
}
