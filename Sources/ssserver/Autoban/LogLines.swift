// A log from its beginning to its end, a line at a time.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

enum LogLines {
    /// Every line of a file, or of standard input where `path` is `-`; the last one need not have ended.
    static func read(_ path: String, each: (RawSpan) -> Void) throws(UnreadableLog) {
        let descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw UnreadableLog(path, errno) }
        let stream = LogStream(path, descriptor)
        while true {
            switch try stream.read(waits: true, each) {
            case .more, .idle: continue
            case .ended: return stream.readTorn(each)
            }
        }
    }
}
