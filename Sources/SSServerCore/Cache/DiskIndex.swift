// Which answers lie on disk, and which of them have to go when there are too many: numbers of files, and nothing of what is in
// them.

package struct DiskIndex: Sendable {
    /// A file: its number goes up with time, and with its name it says all that a start needs.
    package struct File: Hashable, Sendable {
        /// Of the key of what is in it.
        package let hash: UInt64
        package let number: UInt64
        /// Bytes on disk.
        package let size: Int

        package init(hash: UInt64, number: UInt64, size: Int) {
            self.hash = hash
            self.number = number
            self.size = size
        }

        /// Of numbers and sizes: names are what anybody may have put there.
        private static let maximum = 1 << 48

        /// `0123456789abcdef-12-3456`, hexadecimal.
        package var name: String {
            let hash = String(self.hash, radix: 16)
            return String(repeating: "0", count: 16 - hash.count) + hash + "-" + String(number, radix: 16) + "-"
                + String(size, radix: 16)
        }

        package init?(name: String) {
            let parts = name.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0].utf8.count == 16, let hash = UInt64(parts[0], radix: 16),
                let number = UInt64(parts[1], radix: 16), number < Self.maximum,
                let size = Int(parts[2], radix: 16), size > 0, size < Self.maximum
            else { return nil }
            self.init(hash: hash, number: number, size: size)
            guard self.name == name else { return nil }
        }
    }

    private var queues: EvictionQueues
    private var files: [UInt64: [(file: File, slot: EvictionQueues.Slot)]] = [:]
    private var owners: [File?] = []
    /// Higher than that of any file so far.
    package private(set) var nextNumber: UInt64 = 1

    /// Bytes, of which `reserved` are for what is being written.
    package let capacity: Int
    package private(set) var reserved = 0

    /// `capacity` is in bytes.
    package init(capacity: Int) {
        self.capacity = capacity
        queues = EvictionQueues(capacity: max(1, capacity))
    }

    package var count: Int { queues.count }
    package var byteCount: Int { queues.byteCount }

    /// Every file.
    package var all: [File] { files.values.flatMap { $0.map(\.file) } }

    /// The latest first.
    package func files(of hash: UInt64) -> [File] {
        (files[hash] ?? []).map(\.file).sorted { $0.number > $1.number }
    }

    package mutating func takeNumber() -> UInt64 {
        nextNumber += 1
        return nextNumber - 1
    }

    package mutating func touch(_ file: File) {
        guard let slot = files[file.hash]?.first(where: { $0.file == file })?.slot else { return }
        queues.touch(slot)
    }

    /// The files that have to go; `file` itself if there is no room for it at all.
    package mutating func insert(_ file: File) -> [File] {
        nextNumber = max(nextNumber, file.number &+ 1)
        guard files[file.hash]?.contains(where: { $0.file == file }) != true else { return [] }
        var gone: [File] = []
        // Nobody can fill the disk with one URL.
        while let all = files[file.hash], all.count >= MemoryTier.maximumVariants,
            let oldest = all.map(\.file).min(by: { $0.number < $1.number })
        {
            remove(oldest)
            gone.append(oldest)
        }
        var evicted: [EvictionQueues.Slot] = []
        // Blocks of a file system are larger than the smallest answers.
        let size = (file.size + 4095) / 4096 * 4096
        guard let slot = queues.insert(hash: file.hash, size: size, evicted: &evicted) else { return gone + [file] }
        gone += forgotten(evicted)
        while owners.count <= Int(slot) { owners.append(nil) }
        owners[Int(slot)] = file
        files[file.hash, default: []].append((file, slot))
        return gone
    }

    /// Holds room for `bytes` more, or gives back what is less than 0; the files that have to go.
    package mutating func reserve(_ bytes: Int) -> [File] {
        reserved += bytes
        var evicted: [EvictionQueues.Slot] = []
        queues.setCapacity(max(1, capacity - reserved), evicted: &evicted)
        return forgotten(evicted)
    }

    private mutating func forgotten(_ evicted: [EvictionQueues.Slot]) -> [File] {
        evicted.compactMap { slot in
            guard let owner = owners[Int(slot)].take() else { return nil }
            forget(owner)
            return owner
        }
    }

    package mutating func remove(_ file: File) {
        guard let slot = files[file.hash]?.first(where: { $0.file == file })?.slot else { return }
        queues.remove(slot)
        owners[Int(slot)] = nil
        forget(file)
    }

    private mutating func forget(_ file: File) {
        files[file.hash]?.removeAll { $0.file == file }
        if files[file.hash]?.isEmpty == true { files[file.hash] = nil }
    }
}
