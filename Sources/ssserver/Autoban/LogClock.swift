// By which clock the times in a log are. They say no zone, may be another machine's, and a log may have been written to long ago;
// but its last line was written when the file was last changed.
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

enum LogClock {
    /// So much of the end is looked at.
    private static let tail = 64 << 10

    /// Ten years, in seconds: what is further off is no clock's fault, but somebody's who has set the time of the file.
    private static let most: UInt64 = 10 * 366 * 86_400

    /// Seconds that the times in the log are ahead of this machine's; nil where that cannot be told.
    static func ahead(of path: String) -> Int64? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        let start = max(0, status.st_size - off_t(tail))
        let bytes = FilePart.read(descriptor, count: tail, at: start)
        guard let last = lastStamp(bytes[...]) else { return nil }
        let (ahead, isOverflow) = last.seconds.subtractingReportingOverflow(FileTime(modified: status).seconds)
        return isOverflow || ahead.magnitude > most ? nil : ahead
    }

    /// Of the last line that begins with a time.
    static func lastStamp(_ bytes: ArraySlice<UInt8>) -> LogStamp? { stamp(bytes.split(separator: 10).reversed()) }

    /// Of the first line that does.
    static func firstStamp(_ bytes: ArraySlice<UInt8>) -> LogStamp? { stamp(bytes.split(separator: 10)) }

    private static func stamp(_ lines: [ArraySlice<UInt8>]) -> LogStamp? {
        var reader = LogLineReader(year: .now)
        for line in lines { if let stamp = reader.stamp(Array(line).span.bytes) { return stamp } }
        return nil
    }
}
