// Paths in one spelling, so that a rule cannot be walked round by writing a path another way (RFC 3986 6.2.2): what need not
// be percent-encoded is not, the digits of what must be are capitals, and there are no dot segments. The query stays.
internal import SSCommon

package enum RequestPath {
    /// Of a path that begins with a slash or a question mark, perhaps with a query; nil for what has a byte that no path has.
    package static func normalised(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = Array(text)[...]
        if rest.first == UInt8(ascii: "?") { bytes.append(UInt8(ascii: "/")) }
        while let byte = rest.popFirst() {
            guard byte > 0x20, byte != 0x7f else { return nil }
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.first?.hexValue, let low = rest.dropFirst().first?.hexValue else {
                // A percent sign alone: some servers take it as it is.
                bytes.append(byte)
                continue
            }
            rest = rest.dropFirst(2)
            append(high << 4 | low, to: &bytes)
        }
        let end = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        return withoutDots(bytes[..<end]) + bytes[end...]
    }

    private static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            bytes.append(byte)
        default:
            let digits = Array("0123456789ABCDEF".utf8)
            bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }

    /// RFC 3986 5.2.4.
    private static func withoutDots(_ path: ArraySlice<UInt8>) -> [UInt8] {
        var kept: [ArraySlice<UInt8>] = []
        let parts = path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            if part.elementsEqual(".".utf8) {
                if isLast { kept.append([]) }
            } else if part.elementsEqual("..".utf8) {
                _ = kept.popLast()
                if isLast { kept.append([]) }
            } else {
                kept.append(part)
            }
        }
        return kept.reduce(into: []) { $0 += [UInt8(ascii: "/")] + $1 }
    }
}
