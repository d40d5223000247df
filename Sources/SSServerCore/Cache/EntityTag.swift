// RFC 9110 8.8.3.
internal import SSCommon

package struct EntityTag: Hashable, Sendable {
    package let isWeak: Bool
    /// With its quotes.
    package let opaque: [UInt8]

    package init?(_ text: ArraySlice<UInt8>) {
        isWeak = text.starts(with: "W/".utf8)
        let opaque = text.dropFirst(isWeak ? 2 : 0)
        let quote = UInt8(ascii: "\"")
        guard opaque.count >= 2, opaque.first == quote, opaque.last == quote,
            opaque.dropFirst().dropLast().allSatisfy({ $0 == 0x21 || $0 >= 0x23 && $0 != 0x7f })
        else { return nil }
        self.opaque = Array(opaque)
    }

    /// Those of a list. A backslash is a byte like any other in them, unlike in strings.
    package static func list(_ text: ArraySlice<UInt8>) -> [EntityTag] {
        var tags: [EntityTag] = []
        var rest = text
        while true {
            rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == UInt8(ascii: ",") }
            guard let open = rest.firstIndex(of: UInt8(ascii: "\"")),
                let close = rest[(open + 1)...].firstIndex(of: UInt8(ascii: "\""))
            else { return tags }
            if let tag = EntityTag(rest[...close]) { tags.append(tag) }
            rest = rest[(close + 1)...]
        }
    }

    /// RFC 9110 8.8.3.2: for If-None-Match.
    func matchesWeakly(_ other: EntityTag) -> Bool { opaque == other.opaque }

    /// For If-Range, and for putting parts together.
    func matchesStrongly(_ other: EntityTag) -> Bool { !isWeak && !other.isWeak && opaque == other.opaque }
}
