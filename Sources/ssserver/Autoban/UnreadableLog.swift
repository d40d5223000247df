// Why a log cannot be read, in words for its owner.
internal import SSCommon

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

    /// A log is text. NULs at its beginning are a hole: a writer that does not append went on where it was when the log was cut.
    init?(_ path: String, start: UnsafeRawBufferPointer) {
        guard let text = start.firstIndex(where: { $0 != 0 }), let zero = start[text...].firstIndex(of: 0) else {
            return nil
        }
        self.init(
            text: "\(Self.name(path)) is no log: byte \(zero + 1) of it is 0",
            help: start.starts(with: [0x1f, 0x8b])
                ? "unpack it: zcat FILE | ssserver autoban test -" : "name the file that ssserver writes its log to")
    }

    static func name(_ path: String) -> String { path == "-" ? "standard input" : TerminalText.quote(path) }
}
