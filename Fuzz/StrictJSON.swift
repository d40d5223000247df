// A checker of RFC 8259 that takes nothing the grammar does not: what it takes, every reader takes.

/// The members of one flat object: text unescaped, numbers and words as written. Nil if the bytes are anything else,
/// repeat a key or are no UTF-8.
func strictJSON(_ bytes: [UInt8]) -> [String: String]? {
    guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
    var checker = StrictJSON(bytes: bytes[...])
    return checker.object()
}

private struct StrictJSON {
    var bytes: ArraySlice<UInt8>

    mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard bytes.first == UInt8(ascii: byte) else { return false }
        bytes.removeFirst()
        return true
    }

    mutating func object() -> [String: String]? {
        var members: [String: String] = [:]
        guard take("{") else { return nil }
        repeat {
            guard let key = string(), take(":"), let value = string() ?? word(),
                members.updateValue(value, forKey: key) == nil
            else { return nil }
        } while take(",")
        return take("}") && bytes.isEmpty ? members : nil
    }

    /// `null` or a whole number: our writers write no others.
    mutating func word() -> String? {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        if bytes.starts(with: "null".utf8) {
            bytes = bytes.dropFirst(4)
            return "null"
        }
        let number = bytes.prefix { digits.contains($0) }
        guard !number.isEmpty, number.count == 1 || number.first != UInt8(ascii: "0") else { return nil }
        bytes = bytes.dropFirst(number.count)
        return String(decoding: number, as: UTF8.self)
    }

    mutating func string() -> String? {
        let start = bytes
        guard take("\"") else { return nil }
        var text: [UInt8] = []
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
            case 0..<0x20: return nil
            case UInt8(ascii: "\\"):
                guard let scalar = escaped() else { return nil }
                text += Array(String(Character(scalar)).utf8)
            default: text.append(byte)
            }
        }
        bytes = start
        return nil
    }

    private mutating func escaped() -> Unicode.Scalar? {
        switch bytes.popFirst() {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "u"):
            let digits = bytes.prefix(4)
            guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return nil }
            bytes = bytes.dropFirst(4)
            return Unicode.Scalar(value)
        default: return nil
        }
    }
}
