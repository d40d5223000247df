// One line of source as a terminal shows it, and where under it the carets go. Foreign bytes are made
// harmless (no control or direction character reaches the terminal), tabs become spaces, wide characters
// count two columns, and a line of a megabyte is cut to a window round the fault.

/// A line ready to print, with the columns the carets underline.
package struct SourceExcerpt: Hashable, Sendable {
    package let text: String
    /// Terminal columns before the first caret.
    package let indent: Int
    /// Number of carets, at least one.
    package let width: Int

    private static let columnsBefore = 60
    private static let columnsInAll = 100

    /// Shows the first line of `span` in `source`.
    init(of span: SourceSpan, in source: SourceText) {
        let line = source.lineSpan(of: span.start)
        var painter = Painter(source: source, span: span)
        var offset = Self.windowStart(line: line, span: span, bytes: source.bytes)
        if offset > line.start { painter.write("…", columns: 1) }
        while offset < line.end {
            if offset >= source.cut ?? Int.max || painter.columns >= Self.columnsInAll {
                painter.breakOff(at: offset)
                break
            }
            offset = painter.step(at: offset, lineEnd: line.end)
        }
        text = painter.text
        indent = painter.firstCaret ?? painter.columns
        width = max(1, (painter.afterCaret ?? painter.columns) - indent)
    }

    private static func windowStart(line: SourceSpan, span: SourceSpan, bytes: [UInt8]) -> Int {
        var start = min(max(span.start, line.start), line.end)
        var characters = 0
        while start > line.start, characters < columnsBefore || bytes[start] & 0xc0 == 0x80 {
            start -= 1
            if bytes[start] & 0xc0 != 0x80 { characters += 1 }
            if span.start - start > 8 * columnsBefore { break }
        }
        return start
    }

    /// Writes a line scalar by scalar and remembers where the span fell.
    private struct Painter {
        let source: SourceText
        let span: SourceSpan
        var text = ""
        var columns = 0
        var firstCaret: Int?
        var afterCaret: Int?

        mutating func write(_ piece: String, columns width: Int) {
            text += piece
            columns += width
        }

        /// Ends the line early.
        mutating func breakOff(at offset: Int) {
            if offset >= span.start, firstCaret == nil { firstCaret = columns }
            if firstCaret != nil, afterCaret == nil { afterCaret = columns }
            write("…", columns: 1)
        }

        /// Writes what stands at `offset`; returns the offset after it.
        mutating func step(at offset: Int, lineEnd: Int) -> Int {
            if offset >= span.end, firstCaret != nil, afterCaret == nil { afterCaret = columns }
            if offset >= span.start, firstCaret == nil { firstCaret = columns }
            if let secret = source.secret(at: offset) {
                if secret.end > span.start, firstCaret == nil { firstCaret = columns }
                write("••••••••", columns: 8)
                return min(secret.end, lineEnd)
            }
            let (scalar, length) = UTF8Reader.scalar(in: source.bytes, at: offset)
            guard let scalar else {
                let hex = String(source.bytes[offset], radix: 16)
                write("\\x" + (hex.utf8.count == 1 ? "0" : "") + hex, columns: 4)
                return offset + 1
            }
            let shown = TerminalText.show(scalar)
            write(shown.text, columns: shown.columns)
            return offset + length
        }
    }
}

extension SourceText {
    /// The secret that covers `offset`.
    fileprivate func secret(at offset: Int) -> SourceSpan? {
        var low = 0
        var high = secrets.count
        while low < high {
            let middle = (low + high) / 2
            if secrets[middle].end <= offset { low = middle + 1 } else { high = middle }
        }
        return low < secrets.count && secrets[low].start <= offset ? secrets[low] : nil
    }
}
