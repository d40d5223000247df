// Lines out of what stands in memory. Nothing is copied, and nothing is made for a line.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

struct LineSplitter {
    /// A longer line says nothing, and is skipped: what waits for its end has a bound.
    static let longestLine = 64 << 10

    /// Where splitting has come to, from the beginning of the bytes.
    struct Extent {
        /// Behind the last line's end; 0 if no line ended.
        var lines: Int
        /// What need not be looked at again: as much, or all if they end within a line that is skipped.
        var used: Int
    }

    /// Whether the next byte lies within a line that is too long.
    var isSkipping = false

    /// Gives every line that ends in `bytes`, without its end and without NULs before it: a file has those where it has a hole,
    /// after it was cut, or after the power went.
    mutating func split(_ bytes: UnsafeRawBufferPointer, _ each: (RawSpan) -> Void) -> Extent {
        guard let base = bytes.baseAddress else { return Extent(lines: 0, used: 0) }
        var start = 0
        // memchr is given no more than what is left of `bytes`, and finds nothing outside of that.
        while start < bytes.count, let found = memchr(base + start, 10, bytes.count - start) {
            let end = base.distance(to: found)
            if isSkipping {
                isSkipping = false
            } else {
                start = Self.behindNULs(bytes, start, end)
                if end - start <= Self.longestLine { each(UnsafeRawBufferPointer(rebasing: bytes[start..<end]).bytes) }
            }
            start = end + 1
        }
        let lines = start
        if !isSkipping { start = Self.behindNULs(bytes, start, bytes.count) }
        if bytes.count - start > Self.longestLine { isSkipping = true }
        return Extent(lines: lines, used: isSkipping ? bytes.count : start)
    }

    private static func behindNULs(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Int {
        var start = start
        while start < end, bytes[start] == 0 { start += 1 }
        return start
    }
}
