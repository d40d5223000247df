// Text from elsewhere on its way into a log. A host name may hold any byte; unescaped, a peer could end the
// line and write one of its own, and get a stranger banned by whoever reads the log. So no control byte, no
// invalid UTF-8, no line separator and no direction mark ever passes, and every field is bounded.

/// How foreign bytes are made harmless.
enum ForeignText {
    /// The most bytes one field may take, before quotes are put round it.
    static let fieldLimit = 256
    /// The same for a message, which is our own text and may name a file and a fault.
    static let messageLimit = 1024

    /// Which characters pass unescaped. Bytes of all others appear as `\xNN`; so does the backslash, so that
    /// an escape can be told from text that looks like one.
    enum Alphabet {
        /// Printable ASCII without the space: one word, such as a host name.
        case word
        /// All valid UTF-8 but controls, line separators and marks that change a line's direction.
        case sentence
    }

    /// What stands round the text.
    enum Quotes {
        case none
        /// A JSON string, which is what a quoted logfmt value is too: quote and backslash get a backslash.
        case json
    }

    /// Appends `text`, cut at `limit` bytes with "..." in place of what is missing.
    static func append(
        _ text: Span<UInt8>, _ alphabet: Alphabet, _ quotes: Quotes, limit: Int = fieldLimit, to line: inout [UInt8]
    ) {
        var index = 0
        var taken = 0
        // Where the line ends if the text must be cut: after the last unit that leaves room for the dots.
        var cut = line.count
        while index < text.count {
            let byte = text[index]
            var size = 1
            var isPlain = byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "\\")
            if !isPlain, case .sentence = alphabet {
                size = printableLength(text, at: index)
                isPlain = size > 0
                size = max(size, 1)
            }
            let width = isPlain ? size : 4
            if taken + width > limit {
                line.removeSubrange(cut...)
                line.append("...")
                return
            }
            if isPlain {
                if case .json = quotes, byte == UInt8(ascii: "\"") { line.append(UInt8(ascii: "\\")) }
                for offset in index..<index + size { line.append(text[offset]) }
            } else {
                appendEscape(byte, quotes, to: &line)
            }
            index += size
            taken += width
            if taken <= limit - 3 { cut = line.count }
        }
    }

    private static func appendEscape(_ byte: UInt8, _ quotes: Quotes, to line: inout [UInt8]) {
        if case .json = quotes { line.append(UInt8(ascii: "\\")) }
        line.append("\\x")
        line.append([UInt8].hexDigit(byte >> 4))
        line.append([UInt8].hexDigit(byte & 15))
    }

    /// Whether a logfmt value needs quotes: any byte that is not plain, and any that has a meaning there.
    static func needsQuotes(_ text: Span<UInt8>) -> Bool {
        for index in text.indices {
            let byte = text[index]
            if byte <= 0x20 || byte >= 0x7f || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "=")
                || byte == UInt8(ascii: "\\")
            {
                return true
            }
        }
        return text.isEmpty
    }

    /// The bytes of the character at `index` if it may stand in a sentence, else 0. Only well-formed UTF-8
    /// (RFC 3629 section 4: shortest form, no surrogates, up to U+10FFFF) has a length here.
    private static func printableLength(_ text: Span<UInt8>, at index: Int) -> Int {
        let lead = text[index]
        if lead < 0x80 { return lead >= 0x20 && lead != 0x7f && lead != UInt8(ascii: "\\") ? 1 : 0 }
        let length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
        guard length > 0, index + length <= text.count else { return 0 }
        var scalar = UInt32(lead) & (0x7f >> UInt32(length))
        for offset in 1..<length {
            let byte = text[index + offset]
            guard byte & 0xc0 == 0x80 else { return 0 }
            scalar = scalar << 6 | UInt32(byte & 0x3f)
        }
        if length == 3, scalar < 0x800 || (0xd800...0xdfff).contains(scalar) { return 0 }
        if length == 4, scalar < 0x10000 || scalar > 0x10ffff { return 0 }
        return isHarmless(scalar) ? length : 0
    }

    /// False for C1 controls (U+0085 among them), the line and paragraph separators, the marks of UAX #9 that
    /// can make a line read differently from its bytes, the byte order mark and non-characters.
    private static func isHarmless(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x80...0x9f, 0x61c, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfdd0...0xfdef, 0xfeff,
            0xfff0...0xfffb, 0xe0000...0xe0fff:
            false
        default:
            scalar & 0xfffe != 0xfffe
        }
    }
}
