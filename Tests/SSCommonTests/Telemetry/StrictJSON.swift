// A parser of RFC 8259 for the tests: it takes nothing that the grammar does not, no repeated key and no
// ill-formed UTF-8, so what it takes every log reader takes.

/// One flat JSON object of strings, or nil if the bytes are anything else.
func parseStrictJSON(_ bytes: [UInt8]) -> [String: String]? {
    guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
    var parser = StrictJSON(bytes: bytes[...])
    return parser.object()
}

private struct StrictJSON {
    var bytes: ArraySlice<UInt8>

    mutating func take(_ byte: Character) -> Bool {
        guard let first = bytes.first, first == byte.asciiValue else { return false }
        bytes.removeFirst()
        return true
    }

    mutating func object() -> [String: String]? {
        var members: [String: String] = [:]
        guard take("{") else { return nil }
        repeat {
            guard let key = string(), take(":"), let value = string(), members.updateValue(value, forKey: key) == nil
            else { return nil }
        } while take(",")
        return take("}") && bytes.isEmpty ? members : nil
    }

    mutating func string() -> String? {
        guard take("\"") else { return nil }
        var text: [UInt8] = []
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
            case 0..<0x20: return nil
            case UInt8(ascii: "\\"):
                // Our writer needs only these two of the grammar's escapes.
                guard let escaped = bytes.popFirst(), escaped == UInt8(ascii: "\"") || escaped == UInt8(ascii: "\\")
                else { return nil }
                text.append(escaped)
            default: text.append(byte)
            }
        }
        return nil
    }
}

/// The fields of a logfmt line, or nil if a reader could see them differently.
func parseStrictLogfmt(_ bytes: [UInt8]) -> [String: String]? {
    guard let line = String(validating: bytes, as: UTF8.self) else { return nil }
    var rest = Substring(line)
    var fields: [String: String] = [:]
    while true {
        guard let equals = rest.firstIndex(of: "=") else { return nil }
        let key = String(rest[..<equals])
        guard !key.isEmpty, key.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
        else { return nil }
        rest = rest[equals...].dropFirst()
        var value = ""
        if rest.first == "\"" {
            var parser = StrictJSON(bytes: [UInt8](rest.utf8)[...])
            guard let quoted = parser.string(), let left = String(validating: parser.bytes, as: UTF8.self)
            else { return nil }
            value = quoted
            rest = Substring(left)
        } else {
            value = String(rest.prefix { $0 != " " })
            guard !value.isEmpty, !value.contains(where: { "\"=\\".contains($0) }) else { return nil }
            rest = rest.dropFirst(value.count)
        }
        guard fields.updateValue(value, forKey: key) == nil else { return nil }
        if rest.isEmpty { return fields }
        guard rest.first == " " else { return nil }
        rest = rest.dropFirst()
    }
}
