// The text a value was read from, kept so that a fault can be shown where it stands: line, column and the
// line itself, with every secret in it covered (a fault beside a password must not print the password).

/// A half-open range of byte offsets.
package struct SourceSpan: Hashable, Sendable {
    package var start: Int
    package var end: Int

    package init(_ start: Int, _ end: Int) {
        self.start = start
        self.end = end
    }
}

/// A file (or the command line) as it was read. A class, so that every setting can hold on to it.
package final class SourceText: Sendable {
    /// The name to show.
    package let path: String
    package let bytes: [UInt8]
    /// False for text that has no lines to speak of: the command line.
    package let isNumbered: Bool
    /// Ranges never to be shown, in order, not overlapping.
    let secrets: [SourceSpan]
    /// After a syntax fault nobody knows what is a secret, so nothing from here on is shown.
    let cut: Int?

    private let lineStarts: [Int]

    package init(
        path: String, bytes: [UInt8], isNumbered: Bool = true, secrets: [SourceSpan] = [], cut: Int? = nil
    ) {
        self.path = path
        self.bytes = bytes
        self.isNumbered = isNumbered
        self.secrets = secrets
        self.cut = cut
        var starts = [0]
        for (offset, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
            if byte == UInt8(ascii: "\r"), offset + 1 < bytes.count, bytes[offset + 1] == UInt8(ascii: "\n") {
                continue
            }
            starts.append(offset + 1)
        }
        lineStarts = starts
    }

    /// Line and column, both from 1; the column counts Unicode scalars, a byte that is no UTF-8 counting one.
    package func position(of offset: Int) -> (line: Int, column: Int) {
        let index = lineIndex(of: offset)
        var column = 1
        for byte in bytes[lineStarts[index]..<min(max(offset, lineStarts[index]), bytes.count)]
        where byte & 0xc0 != 0x80 {
            column += 1
        }
        // A byte order mark is no character to an editor.
        if index == 0, offset >= 3, bytes.starts(with: [0xef, 0xbb, 0xbf]) { column -= 1 }
        return (index + 1, column)
    }

    /// The bytes of the line that holds `offset`, without its end.
    func lineSpan(of offset: Int) -> SourceSpan {
        let index = lineIndex(of: offset)
        var end = index + 1 < lineStarts.count ? lineStarts[index + 1] : bytes.count
        while end > lineStarts[index], bytes[end - 1] == UInt8(ascii: "\n") || bytes[end - 1] == UInt8(ascii: "\r") {
            end -= 1
        }
        return SourceSpan(lineStarts[index], end)
    }

    private func lineIndex(of offset: Int) -> Int {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return low
    }
}
