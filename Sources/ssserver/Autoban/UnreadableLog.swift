// Why a log cannot be read, in words for its owner.
internal import SSCommon
internal import SSServerCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

struct UnreadableLog: Error {
    let text: String
    var help: String?

    init(text: String, help: String? = nil) {
        self.text = text
        self.help = help
    }

    /// What a system call on `path` failed with.
    init(_ path: String, _ code: CInt) {
        self.init(text: "\(Self.name(path)): \(String(cString: strerror(code)))")
    }

    /// A log is text: its first line has no NUL, unless it begins with a time, and may then have been spoilt by whoever is named in it.
    /// NULs before it are a hole: a writer that does not append went on where it was when the log was cut.
    init?(_ path: String, start: UnsafeRawBufferPointer) {
        guard let text = start.firstIndex(where: { $0 != 0 }) else { return nil }
        let packed = Self.packers.first { start[text...].starts(with: $0.magic) }
        let line = start[text...].prefix { $0 != 10 }
        if packed == nil {
            var reader = LogLineReader(year: 1970)
            guard let zero = line.firstIndex(of: 0),
                reader.stamp(UnsafeRawBufferPointer(rebasing: line).bytes) == nil
            else { return nil }
            self.init(
                text: "\(Self.name(path)) is no log: byte \(zero + 1) of it is 0",
                help: "name the file that ssserver writes its log to")
        } else {
            self.init(
                text: "\(Self.name(path)) is no log: it is packed",
                help:
                    "unpack it: \(packed?.tool ?? "") FILE | ssserver autoban test -; autoban run follows the log itself"
            )
        }
    }

    /// What packed files begin with, and what unpacks them to standard output.
    private static let packers: [(magic: [UInt8], tool: String)] = [
        ([0x1f, 0x8b], "zcat"), ([0xfd, 0x37, 0x7a, 0x58, 0x5a], "xzcat"), ([0x28, 0xb5, 0x2f, 0xfd], "zstdcat"),
        (Array("BZh".utf8), "bzcat"),
    ]

    static func name(_ path: String) -> String { path == "-" ? "standard input" : TerminalText.quote(path) }
}
