// Keys and links that are handed over by standard input: from a pipe as they come, from a keyboard without being shown.
internal import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

package enum SecretInput {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// All of standard input, at most `limit` bytes; a line of it where somebody types, after `prompt`.
    package static func read(prompt: String, limit: Int) throws(Failure) -> [UInt8] {
        guard Environment.isTerminal(0) else { return try whole(limit) }
        Environment.write(prompt, to: 2)
        defer { Environment.write("\n", to: 2) }
        return try hiddenLine(limit: min(limit, 64 << 10))
    }

    private static func whole(_ limit: Int) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try next(64 << 10) {
            bytes += piece
            guard bytes.count <= limit else { throw Failure(description: "it is longer than \(limit >> 10) KiB") }
        }
        return bytes
    }

    /// Nil at the end.
    private static func next(_ count: Int) throws(Failure) -> [UInt8]? {
        while true {
            var length = 0
            var code: CInt = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                #if canImport(Glibc)
                    length = Glibc.read(0, buffer.baseAddress, count)
                #else
                    length = Darwin.read(0, buffer.baseAddress, count)
                #endif
                code = errno
                filled = max(0, length)
            }
            if length > 0 { return bytes }
            if length == 0 { return nil }
            guard code == EINTR else {
                throw Failure(description: "it could not be read: \(String(cString: strerror(code)))")
            }
        }
    }

    // MARK: At a terminal

    /// Byte by byte and with signals as bytes, so that Ctrl-C cannot leave a terminal behind that shows nothing. Also, a
    /// terminal's own lines end at 4095 bytes.
    private static func hiddenLine(limit: Int) throws(Failure) -> [UInt8] {
        var before = termios()
        guard tcgetattr(0, &before) == 0 else { throw Failure(description: "the terminal does not answer") }
        var hidden = before
        hidden.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
        tcsetattr(0, TCSADRAIN, &hidden)
        defer { tcsetattr(0, TCSADRAIN, &before) }
        var editor = LineEditor(limit: limit)
        while let piece = try next(4096) {
            for byte in piece {
                switch editor.take(byte) {
                case .more: continue
                case .done: return editor.line
                case .cancelled: throw Failure(description: "it was called off")
                case .tooLong: throw Failure(description: "it is longer than \(limit >> 10) KiB")
                }
            }
        }
        return editor.line
    }
}

/// What the few keys do that a line is typed with.
struct LineEditor {
    enum Outcome: Hashable {
        /// The line goes on.
        case more
        /// Return, or the end of input.
        case done
        /// Ctrl-C.
        case cancelled
        /// More than anybody types.
        case tooLong
    }

    /// Of an escape sequence (arrow keys; what a terminal puts round pasted text), which is no part of a line.
    private enum Escape {
        case none
        /// After ESC.
        case begun
        /// After ESC and "[" or "O".
        case parameters
    }

    let limit: Int
    private(set) var line: [UInt8] = []
    private var escape = Escape.none

    init(limit: Int) { self.limit = limit }

    mutating func take(_ byte: UInt8) -> Outcome {
        if isOfEscape(byte) { return .more }
        switch byte {
        case 0x0a, 0x0d, 0x04: return .done
        case 0x03, 0x1c: return .cancelled
        case 0x15: line.removeAll()
        case 0x7f, 0x08:
            // A whole character.
            while let last = line.popLast(), last & 0xc0 == 0x80 {}
        case 0..<0x20: break
        default:
            if line.count == limit { return .tooLong }
            line.append(byte)
        }
        return .more
    }

    /// Whether `byte` belongs to an escape sequence (ECMA-48 5.4).
    private mutating func isOfEscape(_ byte: UInt8) -> Bool {
        switch escape {
        case .none:
            if byte == 0x1b { escape = .begun }
            return byte == 0x1b
        case .begun:
            escape = byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O") ? .parameters : .none
            return escape == .parameters
        case .parameters:
            guard (0x20...0x7e).contains(byte) else {
                escape = .none
                return false
            }
            if byte >= 0x40 { escape = .none }
            return true
        }
    }
}
