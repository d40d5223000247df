// Vary (RFC 9111 4.1): which fields of the request an answer goes by, and what the request it was made for had there.
package import SSCommon

package struct VariantKey: Hashable, Sendable {
    /// Fields that one answer may vary in.
    static let maximumFields = 8
    /// Bytes of all their values.
    static let maximumBytes = 2048

    /// Lower case, in order.
    package let names: [[UInt8]]
    /// What the request had, brought to one spelling.
    package let values: [UInt8]

    /// Nil where the answer varies in more than we want to remember. `vary` has no "*".
    package init?(vary: [ArraySlice<UInt8>], request: HTTPHead) {
        var names = vary.map { $0.map(\.lowercasedASCII) }
        names.sort { $0.lexicographicallyPrecedes($1) }
        var unique: [[UInt8]] = []
        for name in names where unique.last != name { unique.append(name) }
        guard unique.count <= Self.maximumFields else { return nil }
        let values = Self.values(unique, request)
        guard values.count <= Self.maximumBytes else { return nil }
        self.names = unique
        self.values = values
    }

    /// Kept before.
    package init(names: [[UInt8]], values: [UInt8]) {
        self.names = names
        self.values = values
    }

    package func matches(_ request: HTTPHead) -> Bool { Self.values(names, request) == values }

    private static func values(_ names: [[UInt8]], _ request: HTTPHead) -> [UInt8] {
        var result: [UInt8] = []
        for name in names {
            let lines = request.values(named: name[...])
            let value = lines.isEmpty ? nil : normalised(name, lines)
            // A field that is not there differs from an empty one.
            result.append(value == nil ? 0 : 1)
            result += value ?? []
            result.append(0)
        }
        return result
    }

    private static func normalised(_ name: [UInt8], _ lines: [ArraySlice<UInt8>]) -> [UInt8] {
        let members = lines.flatMap { HTTPHead.members($0) }
        if name.elementsEqual("accept-encoding".utf8) { return codings(members) }
        if name.elementsEqual("accept-language".utf8) {
            return joined(members.map { $0.filter { $0 != 0x20 && $0 != 0x09 }.map(\.lowercasedASCII) })
        }
        // Values that are no lists may hold commas too; what is between them is not touched.
        return joined(members.map(Array.init))
    }

    /// Which are taken and which are refused; how much each is liked makes no difference.
    private static func codings(_ members: [ArraySlice<UInt8>]) -> [UInt8] {
        var words: [[UInt8]] = []
        for member in members {
            let parts = member.split(separator: UInt8(ascii: ";")).map { trimmed($0) }
            guard let coding = parts.first else { continue }
            let isRefused = parts.dropFirst().contains { part in
                part.count > 2 && equalIgnoringCase(part.prefix(2), "q=")
                    && part.dropFirst(2).allSatisfy { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ".") }
            }
            let word = coding.map(\.lowercasedASCII)
            words.append(isRefused ? [UInt8(ascii: "-")] + word : word)
        }
        return joined(words.sorted { $0.lexicographicallyPrecedes($1) })
    }

    private static func joined(_ parts: [[UInt8]]) -> [UInt8] {
        Array(parts.joined(separator: [UInt8](", ".utf8)))
    }
}
