// The memory of salts, in files: a server that was killed and started again still knows what it has served. Of each edition
// there are two files, as the memory has two generations; when a generation ends, the file of the one before is emptied
// and takes the next. A salt is in its file before its target is dialled.
internal import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Not thread-safe; `ReplayGuard` has it behind its lock.
package final class ReplayStore: @unchecked Sendable {
    /// Why the memory cannot be kept, in words for a person.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// What was known.
    package struct Memory: Sendable {
        /// Of the classic hashes.
        let key: [UInt8]
        var older: [UInt64] = []
        var newer: [UInt64] = []
        var salts: [SaltRecord] = []
    }

    fileprivate static let magic = [UInt8]("SSREPLAY".utf8)
    fileprivate static let version: UInt8 = 1
    /// magic (8) | version (1) | zeros (7) | generation (8) | key (16)
    fileprivate static let headerLength = 40
    private static let classicLength = 8

    private let lock: CInt
    private let key: [UInt8]
    private var classic: FilePair
    private var salts: FilePair

    /// Two files, the newer one first.
    fileprivate struct FilePair {
        var newer: RecordFile
        var older: RecordFile
        var generation: UInt64
    }

    /// Opens the memory in `directory`, which exists; at most `classicLimit` and `saltLimit` salts of a generation are read.
    package static func open(
        _ directory: String, classicLimit: Int, saltLimit: Int
    ) throws(Failure) -> (store: ReplayStore, memory: Memory) {
        let lock = Self.openFile(directory + "/replay.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW)
        guard lock >= 0 else {
            throw Failure(description: "open \(directory)/replay.lock: \(String(cString: strerror(errno)))")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw Failure(
                description: "another process uses \(directory); give each a \"state_directory\" of its own")
        }
        do throws(RecordFile.Failure) {
            let classic = try PairReader(directory + "/replay-classic", classicLength, limit: classicLimit)
            let salts = try PairReader(directory + "/replay-2022", SaltRecord.length, limit: saltLimit)
            let key = classic.key ?? Sodium.random(SaltFilter.keyLength)
            let saltKey = salts.key ?? key
            var memory = Memory(key: key)
            memory.older = classic.records.older.hashes
            memory.newer = classic.records.newer.hashes
            memory.salts = (salts.records.older + salts.records.newer).saltRecords(key: saltKey)
            let store = ReplayStore(
                lock, key, saltKey, try classic.settled(key: key), try salts.settled(key: saltKey))
            return (store, memory)
        } catch {
            close(lock)
            throw Failure(description: "\(error)")
        }
    }

    private static func openFile(_ path: String, _ flags: CInt) -> CInt {
        #if canImport(Glibc)
            Glibc.open(path, flags, 0o600)
        #else
            Darwin.open(path, flags, 0o600)
        #endif
    }

    private let saltKey: [UInt8]

    private init(_ lock: CInt, _ key: [UInt8], _ saltKey: [UInt8], _ classic: FilePair, _ salts: FilePair) {
        self.lock = lock
        self.key = key
        self.saltKey = saltKey
        self.classic = classic
        self.salts = salts
    }

    deinit { close(lock) }

    /// Adds a classic salt's hash.
    func append(_ recorded: SaltFilter.Recorded) throws(Failure) {
        let bytes = withUnsafeBytes(of: recorded.hash.bigEndian) { [UInt8]($0) }
        do throws(RecordFile.Failure) {
            try classic.newer.append(bytes)
            if recorded.endsGeneration { try classic.turn(key) }
        } catch {
            throw Failure(description: "\(error)")
        }
    }

    /// Adds a salt of SIP022; `beginsGeneration` if it is the first of one.
    func append(_ salt: SaltRecord, beginsGeneration: Bool) throws(Failure) {
        do throws(RecordFile.Failure) {
            if beginsGeneration { try salts.turn(saltKey) }
            try salts.newer.append(salt.encoded(key: saltKey))
        } catch {
            throw Failure(description: "\(error)")
        }
    }

    fileprivate static func header(_ generation: UInt64, _ key: [UInt8]) -> [UInt8] {
        magic + [version] + [UInt8](repeating: 0, count: 7) + withUnsafeBytes(of: generation.bigEndian) { [UInt8]($0) }
            + key
    }
}

extension ReplayStore.FilePair {
    /// The older file is emptied and becomes the newer.
    fileprivate mutating func turn(_ key: [UInt8]) throws(RecordFile.Failure) {
        generation += 1
        try older.begin(ReplayStore.header(generation, key))
        swap(&newer, &older)
    }
}

/// Two files as they are found.
private struct PairReader {
    private let files: (a: RecordFile, b: RecordFile)
    private let generations: (a: UInt64?, b: UInt64?)
    private let contents: (a: [UInt8], b: [UInt8])
    let key: [UInt8]?

    init(_ path: String, _ recordLength: Int, limit: Int) throws(RecordFile.Failure) {
        let length = ReplayStore.headerLength
        let a = try RecordFile(path + "-a", headerLength: length, recordLength: recordLength)
        let b = try RecordFile(path + "-b", headerLength: length, recordLength: recordLength)
        let (readA, readB) = (Self.read(a, limit), Self.read(b, limit))
        // Records under another key mean nothing.
        let key = readA?.key ?? readB?.key
        files = (a, b)
        self.key = key
        generations = (readA?.generation, readB?.key == key ? readB?.generation : nil)
        contents = (readA?.records ?? [], generations.b == nil ? [] : readB?.records ?? [])
    }

    private static func read(
        _ file: RecordFile, _ limit: Int
    ) -> (generation: UInt64, key: [UInt8], records: [UInt8])? {
        guard let (header, records) = file.read(limit: limit),
            header.starts(with: ReplayStore.magic), header[8] == ReplayStore.version
        else { return nil }
        let generation = header[16..<24].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return (generation, Array(header[24...]), records)
    }

    private var isANewer: Bool { (generations.a ?? 0) >= (generations.b ?? 0) }

    var records: (older: [UInt8], newer: [UInt8]) {
        isANewer ? (contents.b, contents.a) : (contents.a, contents.b)
    }

    /// The pair in use: what cannot be read is begun anew.
    func settled(key: [UInt8]) throws(RecordFile.Failure) -> ReplayStore.FilePair {
        let newest = max(generations.a ?? 0, generations.b ?? 0, 1)
        if generations.a == nil { try files.a.begin(ReplayStore.header(isANewer ? newest : newest - 1, key)) }
        if generations.b == nil { try files.b.begin(ReplayStore.header(isANewer ? newest - 1 : newest, key)) }
        return isANewer
            ? ReplayStore.FilePair(newer: files.a, older: files.b, generation: newest)
            : ReplayStore.FilePair(newer: files.b, older: files.a, generation: newest)
    }
}

extension [UInt8] {
    fileprivate var hashes: [UInt64] {
        stride(from: 0, to: count - 7, by: 8).map { start in
            self[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
    }

    fileprivate func saltRecords(key: [UInt8]) -> [SaltRecord] {
        let bytes = span.bytes
        var records: [SaltRecord] = []
        for start in stride(from: 0, to: count - SaltRecord.length + 1, by: SaltRecord.length) {
            let record = SaltRecord(bytes.extracting(start..<start + SaltRecord.length), key: key)
            if let record { records.append(record) }
        }
        return records
    }
}
