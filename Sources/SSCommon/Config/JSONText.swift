// Text as JSON writes it (RFC 8259 section 7), for what we print for programs and for the configurations we make. What could
// confuse a terminal or an editor is escaped although JSON would not ask for it.

package enum JSONText {
    /// `text` in quotes.
    package static func quote(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{2028}", "\u{2029}":
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// `text` in quotes, or `null`.
    package static func quote(_ text: String?) -> String { text.map { quote($0) } ?? "null" }
}
