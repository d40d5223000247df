// Range and Content-Range (RFC 9110 14). Only one range of bytes is answered with a part: several, and what is no range of
// bytes, may be answered with the whole.
internal import SSCommon

package enum ByteRange: Hashable, Sendable {
    /// From here to there, the last one included; nil for the end.
    case from(UInt64, through: UInt64?)
    /// So many at the end.
    case last(UInt64)

    /// Nil for what is to be ignored.
    package init?(_ text: ArraySlice<UInt8>) {
        let unit = text.prefix { $0 != UInt8(ascii: "=") }
        guard equalIgnoringCase(unit, "bytes"), unit.endIndex < text.endIndex else { return nil }
        let range = trimmed(text[(unit.endIndex + 1)...])
        let first = range.prefix { $0 != UInt8(ascii: "-") }
        guard first.endIndex < range.endIndex else { return nil }
        let last = range[(first.endIndex + 1)...]
        if first.isEmpty {
            guard let count = try? HTTPFraming.decimal(last) else { return nil }
            self = .last(count)
            return
        }
        guard let start = try? HTTPFraming.decimal(first) else { return nil }
        if last.isEmpty {
            self = .from(start, through: nil)
        } else {
            guard let end = try? HTTPFraming.decimal(last), end >= start else { return nil }
            self = .from(start, through: end)
        }
    }

    var isSuffix: Bool {
        switch self {
        case .from: false
        case .last(let count): count > 0
        }
    }

    /// Which bytes of `length`; nil if there are none of them.
    package func resolved(in length: UInt64) -> Range<UInt64>? {
        switch self {
        case .from(let start, let end):
            guard start < length else { return nil }
            return start..<min(length, (end ?? length - 1) + 1)
        case .last(let count):
            guard count > 0, length > 0 else { return nil }
            return (length - min(count, length))..<length
        }
    }
}

/// Of a 206.
package struct ContentRange: Hashable, Sendable {
    package let range: Range<UInt64>
    /// Nil if the sender does not know it.
    package let length: UInt64?

    package init?(_ text: ArraySlice<UInt8>) {
        guard text.count > 6, equalIgnoringCase(text.prefix(6), "bytes ") else { return nil }
        let halves = text.dropFirst(6).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        let ends = halves[0].split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard ends.count == 2, let first = try? HTTPFraming.decimal(ends[0]),
            let last = try? HTTPFraming.decimal(ends[1]), last >= first
        else { return nil }
        range = first..<last + 1
        if halves[1].elementsEqual("*".utf8) {
            length = nil
        } else {
            guard let length = try? HTTPFraming.decimal(halves[1]), length > last else { return nil }
            self.length = length
        }
    }
}
