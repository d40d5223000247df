// Numbers as JSON (RFC 8259 section 6) and JSON5 write them. We only ever want whole ones, so there is no
// floating point here: what has a fraction or an exponent is a legal number and still no port.

package enum JSONNumber {
    /// Whether `text` is a number in JSON or JSON5.
    package static func isLegal(_ text: some StringProtocol) -> Bool {
        var rest = Array(text.utf8)[...]
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        if rest.count > 2, rest.first == UInt8(ascii: "0"), rest[rest.startIndex + 1] | 0x20 == UInt8(ascii: "x") {
            return rest.dropFirst(2).allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
        }
        let whole = digits(&rest)
        if whole.count > 1, whole.first == UInt8(ascii: "0") { return false }
        var fraction = 0
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            fraction = digits(&rest).count
        }
        if whole.isEmpty && fraction == 0 { return false }
        if rest.first.map({ $0 | 0x20 }) == UInt8(ascii: "e") {
            rest.removeFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
            if digits(&rest).isEmpty { return false }
        }
        return rest.isEmpty
    }

    /// The whole number `text` spells in decimal or, with 0x, in hexadecimal; nil if it is none or too large.
    package static func integer(_ text: some StringProtocol) -> Int? {
        let negative = text.first == "-"
        let digits = negative || text.first == "+" ? text.dropFirst() : text[...]
        guard let first = digits.utf8.first, JSONParser.isDigit(first) else { return nil }
        let magnitude: Int?
        if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
            let hex = digits.dropFirst(2)
            magnitude = hex.first?.isHexDigit == true ? Int(hex, radix: 16) : nil
        } else {
            magnitude = Int(digits)
        }
        return magnitude.map { negative ? -$0 : $0 }
    }

    private static func digits(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let run = rest.prefix(while: JSONParser.isDigit)
        rest = rest.dropFirst(run.count)
        return run
    }
}
