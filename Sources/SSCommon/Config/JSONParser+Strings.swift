// Strings of `JSONParser`: RFC 8259 section 7, with the single quotes and the few escapes JSON5 adds. A raw
// line end always means a forgotten quote, and is reported as one.

extension JSONParser {
    /// The string whose opening quote is at `offset`, unescaped.
    mutating func string() throws(JSONFault) -> String {
        let start = offset
        let quote = bytes[offset]
        var text: [UInt8] = []
        offset += 1
        while let byte = peek {
            switch byte {
            case quote:
                offset += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                try escape(into: &text)
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                throw unterminated(start)
            case 0..<0x20 where byte != 0x09:
                throw JSONFault(
                    code: .syntax, span: SourceSpan(offset, offset + 1), message: "control character in a string",
                    help: "write it as an escape such as \\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))")
            default:
                text.append(byte)
                offset += 1
            }
        }
        throw unterminated(start)
    }

    private func unterminated(_ start: Int) -> JSONFault {
        JSONFault(
            code: .syntax, span: SourceSpan(start, offset), message: "this string never ends",
            label: "a closing quote is missing")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONFault) {
        let start = offset
        guard let letter = at(1) else {
            offset = bytes.count
            return
        }
        offset += 2
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "'"): text.append(letter)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = try unicodeEscape(from: start)
            text.append(contentsOf: Array(String(Character(scalar)).utf8))
        default:
            throw badEscape(
                start, letter < 0x20 || letter >= 0x80 ? "the backslash begins no escape" : nil,
                help: "a backslash itself is written \\\\")
        }
    }

    /// `\uXXXX`, or two of them for a character beyond U+FFFF; `offset` is after the "u".
    private mutating func unicodeEscape(from start: Int) throws(JSONFault) -> Unicode.Scalar {
        guard let high = fourHexDigits() else { throw badEscape(start, "\\u takes four hexadecimal digits") }
        if high == 0 { throw badEscape(start, "a NUL character", help: "no setting may contain one") }
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard high < 0xdc00, peek == UInt8(ascii: "\\"), at(1) == UInt8(ascii: "u") else {
            throw badEscape(start, "half a surrogate pair")
        }
        offset += 2
        guard let low = fourHexDigits(), (0xdc00...0xdfff).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (high - 0xd800) << 10 + (low - 0xdc00))
        else { throw badEscape(start, "half a surrogate pair") }
        return scalar
    }

    private mutating func fourHexDigits() -> UInt32? {
        guard offset + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for byte in bytes[offset..<offset + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
        }
        offset += 4
        return value
    }

    private func badEscape(_ start: Int, _ label: String?, help: String? = nil) -> JSONFault {
        JSONFault(
            code: .syntax, span: SourceSpan(start, min(start + 2, bytes.count)), message: "unknown escape in a string",
            label: label ?? "", help: help)
    }
}
