// JSON to be written (RFC 8259): what the admin API answers and what `--json` prints. Members keep their order, so that
// a person who reads it finds the same things in the same places.

package indirect enum JSONNode: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Int64)
    /// Counters; beyond 2^53 some readers lose the last digits.
    case count(UInt64)
    /// Finite; written with at most three decimals.
    case decimal(Double)
    case string(String)
    case array([JSONNode])
    case object([Member])

    package struct Member: Hashable, Sendable {
        package let key: String
        package let value: JSONNode

        package init(key: String, value: JSONNode) {
            self.key = key
            self.value = value
        }
    }

    /// An object of the pairs, in their order.
    package static func members(_ pairs: KeyValuePairs<String, JSONNode>) -> JSONNode {
        .object(pairs.map { Member(key: $0.key, value: $0.value) })
    }

    /// Nil is null.
    package init(_ text: String?) { self = text.map { .string($0) } ?? .null }

    /// Nil is null.
    package init(_ count: UInt64?) { self = count.map { .count($0) } ?? .null }

    /// On one line, without blanks.
    package var text: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .number(let value): bytes += "\(value)".utf8
        case .count(let value): bytes += "\(value)".utf8
        case .decimal(let value): bytes += Self.decimalText(value).utf8
        case .string(let text): bytes += JSONText.quote(text).utf8
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes += JSONText.quote(member.key).utf8
                bytes.append(UInt8(ascii: ":"))
                member.value.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func decimalText(_ value: Double) -> String {
        precondition(value.isFinite, "JSON has no such number")
        let thousandths = (value * 1000).rounded()
        return abs(thousandths) < 1e15 ? "\(thousandths / 1000)" : "\(value)"
    }
}

extension JSONNode: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    package init(stringLiteral value: String) { self = .string(value) }

    package init(integerLiteral value: Int64) { self = .number(value) }
}
