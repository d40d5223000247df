// Remembers for a while what left the cache before anybody asked for it again (S3-FIFO's ghost queue). Nothing depends on its
// being exact, so it is a table in which the old is written over: no list, no growth but with the cache, and no hashes that make
// it slow.

struct EvictionGhosts: Sendable {
    private struct Entry: Sendable {
        /// Of the hash; 0 where there is none. That two are the same happens once in thousands of look-ups of a million ghosts.
        var mark: UInt32 = 0
        /// Of the clock when it came. The clock wraps round: what has not been written over in four billion ticks is new again.
        var time: UInt32 = 0
    }

    /// A mark has its place in one bucket, of 64 bytes.
    private static let bucketSize = 8

    private var entries: [Entry] = []
    /// Ghosts that have ever come.
    private var clock: UInt32 = 0

    /// Bytes that the table takes.
    var byteCount: Int { entries.count * MemoryLayout<Entry>.stride }

    /// Of all that came only the last `limit` count.
    mutating func insert(_ hash: UInt64, limit: Int) {
        // With a quarter free few buckets are full of what still counts.
        if entries.count / 4 * 3 < limit { grow(to: limit) }
        guard !entries.isEmpty else { return }
        clock &+= 1
        place(Entry(mark: Self.mark(hash), time: clock))
    }

    /// Whether it was one of the last `limit`; it is none after this.
    mutating func remove(_ hash: UInt64, limit: Int) -> Bool {
        guard !entries.isEmpty else { return false }
        let mark = Self.mark(hash)
        for index in bucket(mark) where entries[index].mark == mark {
            let isRecent = age(entries[index]) < limit
            entries[index] = Entry()
            return isRecent
        }
        return false
    }

    private func age(_ entry: Entry) -> Int { entry.mark == 0 ? .max : Int(clock &- entry.time) }

    /// Hashes need not be good ones in all their bits.
    private static func mark(_ hash: UInt64) -> UInt32 { max(1, UInt32((hash &* 0x9E37_79B9_7F4A_7C15) >> 32)) }

    private func bucket(_ mark: UInt32) -> Range<Int> {
        let buckets = UInt64(entries.count / Self.bucketSize)
        let start = Int((UInt64(mark) * buckets) >> 32) * Self.bucketSize
        return start..<start + Self.bucketSize
    }

    private mutating func place(_ entry: Entry) {
        let bucket = bucket(entry.mark)
        var oldest = bucket.lowerBound
        for index in bucket {
            if entries[index].mark == entry.mark {
                entries[index] = entry
                return
            }
            if age(entries[index]) > age(entries[oldest]) { oldest = index }
        }
        entries[oldest] = entry
    }

    private mutating func grow(to limit: Int) {
        var count = max(entries.count * 2, Self.bucketSize)
        while count / 4 * 3 < limit { count *= 2 }
        let old = entries
        entries = [Entry](repeating: Entry(), count: count)
        for entry in old where entry.mark != 0 { place(entry) }
    }
}
