// A JSON value as something to ask, for the short texts that the admin API and its answers are.

extension JSONValue {
    /// The first member of that name; nil also for what is no object.
    package subscript(key: String) -> JSONValue? {
        guard case .object(let members) = kind else { return nil }
        return members.first { $0.key == key }?.value
    }

    package var text: String? {
        guard case .string(let text) = kind else { return nil }
        return text
    }

    package var flag: Bool? {
        guard case .bool(let flag) = kind else { return nil }
        return flag
    }

    /// A whole number.
    package var integer: Int? {
        guard case .number(let text) = kind else { return nil }
        return JSONNumber.integer(text)
    }

    package var elements: [JSONValue] {
        guard case .array(let elements) = kind else { return [] }
        return elements
    }

    package var members: [JSONMember] {
        guard case .object(let members) = kind else { return [] }
        return members
    }

    package var isNull: Bool { kind == .null }
}
