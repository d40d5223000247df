// Fields by name, for the many that are nobody's concern but a cache's.

extension HTTPHead {
    /// The values of every field of this name, in order.
    package func values(named name: StaticString) -> [ArraySlice<UInt8>] {
        var values: [ArraySlice<UInt8>] = []
        for field in fields where field.name.count == name.utf8CodeUnitCount {
            if equalIgnoringCase(self.name(field), name) { values.append(value(field)) }
        }
        return values
    }

    /// The same for a name that is not known before; in any case.
    package func values(named name: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        fields.lazy.filter { equalIgnoringCase(self.name($0), name) }.map { value($0) }
    }

    /// The only one of this name; nil if there is none or there are several.
    package func value(named name: StaticString) -> ArraySlice<UInt8>? {
        let values = values(named: name)
        return values.count == 1 ? values[0] : nil
    }

    package func has(_ name: StaticString) -> Bool {
        fields.contains { $0.name.count == name.utf8CodeUnitCount && equalIgnoringCase(self.name($0), name) }
    }

    /// The members of the comma-separated lists of all lines (RFC 9110 5.6.1); a comma in quotes separates nothing.
    package func members(named name: StaticString) -> [ArraySlice<UInt8>] {
        values(named: name).flatMap { HTTPHead.members($0) }
    }

    /// The members of one list.
    package static func members(_ list: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var members: [ArraySlice<UInt8>] = []
        var start = list.startIndex
        var isQuoted = false
        var isEscaped = false
        func add(_ end: Int) {
            let member = trimmed(list[start..<end])
            if !member.isEmpty { members.append(member) }
        }
        for index in list.indices {
            if isEscaped {
                isEscaped = false
            } else if isQuoted {
                if list[index] == UInt8(ascii: "\\") { isEscaped = true }
                if list[index] == UInt8(ascii: "\"") { isQuoted = false }
            } else if list[index] == UInt8(ascii: "\"") {
                isQuoted = true
            } else if list[index] == UInt8(ascii: ",") {
                add(index)
                start = index + 1
            }
        }
        add(list.endIndex)
        return members
    }
}
