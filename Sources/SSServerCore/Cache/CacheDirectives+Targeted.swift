// A targeted field (RFC 9213 2.1): the same directives as a dictionary of structured fields (RFC 8941 3.2). One that is none
// is as if it were not there.
internal import SSCommon

extension CacheDirectives {
    private enum Value {
        case integer(UInt64)
        case text([UInt8])
        case yes
        /// Of a type that no directive has.
        case other
    }

    /// Nil for no line, an empty dictionary, and what cannot be read.
    package init?(targeted lines: [ArraySlice<UInt8>]) {
        var rest = Array(lines.joined(separator: [UInt8(ascii: ",")]))[...]
        var members: [[UInt8]: Value] = [:]
        guard !lines.isEmpty else { return nil }
        Self.skip(&rest, tabs: false)
        while !rest.isEmpty {
            guard let key = Self.key(&rest), let value = Self.value(&rest), Self.parameters(&rest) else { return nil }
            // RFC 8941 3.2: the last one counts.
            members[key] = value
            Self.skip(&rest, tabs: true)
            guard !rest.isEmpty else { break }
            guard rest.popFirst() == UInt8(ascii: ",") else { return nil }
            Self.skip(&rest, tabs: true)
            guard !rest.isEmpty else { return nil }
        }
        guard !members.isEmpty else { return nil }
        self.init()
        for (key, value) in members { take(key, value) }
    }

    private mutating func take(_ key: [UInt8], _ value: Value) {
        let line: [UInt8]
        switch value {
        case .integer(let seconds): line = key + [UInt8(ascii: "=")] + String(seconds).utf8
        case .text(let text): line = key + Array("=\"".utf8) + text + [UInt8(ascii: "\"")]
        case .yes: line = key
        case .other: return
        }
        let single = CacheDirectives([line[...]])
        noStore = noStore || single.noStore
        if !single.noCache.isAbsent { noCache = single.noCache }
        if !single.isPrivate.isAbsent { isPrivate = single.isPrivate }
        isPublic = isPublic || single.isPublic
        mustRevalidate = mustRevalidate || single.mustRevalidate
        proxyRevalidate = proxyRevalidate || single.proxyRevalidate
        mustUnderstand = mustUnderstand || single.mustUnderstand
        maxAge = maxAge ?? single.maxAge
        sharedMaxAge = sharedMaxAge ?? single.sharedMaxAge
        staleWhileRevalidate = staleWhileRevalidate ?? single.staleWhileRevalidate
        staleIfError = staleIfError ?? single.staleIfError
    }

    private static func skip(_ rest: inout ArraySlice<UInt8>, tabs: Bool) {
        rest = rest.drop { $0 == 0x20 || (tabs && $0 == 0x09) }
    }

    private static func key(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
        guard let first = rest.first, isLower(first) || first == UInt8(ascii: "*") else { return nil }
        let key = rest.prefix { isLower($0) || $0.isDigit || "_-.*".utf8.contains($0) }
        rest = rest.dropFirst(key.count)
        return Array(key)
    }

    private static func value(_ rest: inout ArraySlice<UInt8>) -> Value? {
        guard rest.first == UInt8(ascii: "=") else { return .yes }
        rest = rest.dropFirst()
        return bareItem(&rest)
    }

    private static func bareItem(_ rest: inout ArraySlice<UInt8>) -> Value? {
        guard let first = rest.first else { return nil }
        if first.isDigit || first == UInt8(ascii: "-") {
            let number = rest.prefix { $0.isDigit || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
            rest = rest.dropFirst(number.count)
            guard number.dropFirst().allSatisfy({ $0 != UInt8(ascii: "-") }), number.last?.isDigit == true else {
                return nil
            }
            return number.allSatisfy(\.isDigit) ? seconds(number).map { .integer($0) } : .other
        }
        if first == UInt8(ascii: "\"") { return string(&rest).map { .text($0) } }
        if first == UInt8(ascii: "?") {
            let flag = rest.prefix(2)
            rest = rest.dropFirst(2)
            if flag.elementsEqual("?1".utf8) { return .yes }
            return flag.elementsEqual("?0".utf8) ? .other : nil
        }
        guard first.isLetter || first == UInt8(ascii: "*") else { return nil }
        let token = rest.prefix { isTokenByte($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "/") }
        rest = rest.dropFirst(token.count)
        return .other
    }

    private static func string(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        rest = rest.dropFirst()
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return bytes }
            guard (0x20...0x7e).contains(byte) else { return nil }
            if byte == UInt8(ascii: "\\") {
                guard let next = rest.popFirst(), next == byte || next == UInt8(ascii: "\"") else { return nil }
                bytes.append(next)
            } else {
                bytes.append(byte)
            }
        }
        return nil
    }

    private static func parameters(_ rest: inout ArraySlice<UInt8>) -> Bool {
        while rest.first == UInt8(ascii: ";") {
            rest = rest.dropFirst()
            skip(&rest, tabs: false)
            guard key(&rest) != nil, value(&rest) != nil else { return false }
        }
        return true
    }
}
