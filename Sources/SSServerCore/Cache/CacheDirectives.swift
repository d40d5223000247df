// Cache-Control (RFC 9111 5.2) of requests and responses, with stale-while-revalidate and stale-if-error (RFC 5861). Where a
// directive is said twice, or so that it cannot be read, the reading counts that keeps less.
internal import SSCommon

package struct CacheDirectives: Sendable {
    /// A directive that may be about some fields only.
    package enum Scope: Sendable {
        case absent
        /// Only about these fields.
        case fields([[UInt8]])
        case all

        var isAll: Bool { if case .all = self { true } else { false } }
    }

    /// More than this is the same as this: some 136 years (RFC 9111 1.2.2 asks for 2^31).
    package static let maximumSeconds: UInt64 = 1 << 32

    package var noStore = false
    package var noCache = Scope.absent
    package var isPrivate = Scope.absent
    package var isPublic = false
    package var mustRevalidate = false
    package var proxyRevalidate = false
    package var mustUnderstand = false
    package var onlyIfCached = false
    /// Seconds; 0 for what cannot be read.
    package var maxAge: UInt64?
    package var sharedMaxAge: UInt64?
    package var minFresh: UInt64?
    /// The largest there is for one without a number.
    package var maxStale: UInt64?
    package var staleWhileRevalidate: UInt64?
    package var staleIfError: UInt64?
    /// Whether there was any directive.
    package private(set) var isEmpty = true

    package init() {}

    /// Of the lists of all lines of a field.
    package init(_ lines: [ArraySlice<UInt8>]) {
        for line in lines {
            for member in HTTPHead.members(line) { add(member) }
        }
    }

    private mutating func add(_ member: ArraySlice<UInt8>) {
        isEmpty = false
        let name = member.prefix { $0 != UInt8(ascii: "=") }
        let argument = name.endIndex < member.endIndex ? member[(name.endIndex + 1)...] : nil
        switch name.count {
        case 6 where equalIgnoringCase(name, "public"): isPublic = true
        case 7:
            if equalIgnoringCase(name, "private") { Self.widen(&isPrivate, argument) }
            if equalIgnoringCase(name, "max-age") { Self.lower(&maxAge, argument) }
        case 8:
            if equalIgnoringCase(name, "no-store") { noStore = true }
            if equalIgnoringCase(name, "no-cache") { Self.widen(&noCache, argument) }
            if equalIgnoringCase(name, "s-maxage") { Self.lower(&sharedMaxAge, argument) }
        case 9:
            if equalIgnoringCase(name, "max-stale") {
                let limit = argument.map { Self.seconds($0) ?? 0 } ?? .max
                maxStale = min(maxStale ?? .max, limit)
            }
            if equalIgnoringCase(name, "min-fresh") {
                minFresh = max(minFresh ?? 0, argument.flatMap(Self.seconds) ?? Self.maximumSeconds)
            }
        case 14 where equalIgnoringCase(name, "stale-if-error"): Self.lower(&staleIfError, argument)
        case 14 where equalIgnoringCase(name, "only-if-cached"): onlyIfCached = true
        case 15:
            if equalIgnoringCase(name, "must-revalidate") { mustRevalidate = true }
            if equalIgnoringCase(name, "must-understand") { mustUnderstand = true }
        case 16 where equalIgnoringCase(name, "proxy-revalidate"): proxyRevalidate = true
        case 22 where equalIgnoringCase(name, "stale-while-revalidate"): Self.lower(&staleWhileRevalidate, argument)
        // RFC 9111 5.2.3: what is not known is ignored.
        default: break
        }
    }

    private static func lower(_ value: inout UInt64?, _ argument: ArraySlice<UInt8>?) {
        value = min(value ?? .max, argument.flatMap(seconds) ?? 0)
    }

    private static func widen(_ scope: inout Scope, _ argument: ArraySlice<UInt8>?) {
        guard !scope.isAll else { return }
        guard let argument, let list = unquoted(argument) else {
            scope = .all
            return
        }
        let names = HTTPHead.members(list[...]).map { $0.map(\.lowercasedASCII) }
        guard !names.isEmpty, names.allSatisfy({ $0.allSatisfy(isTokenByte) }) else {
            scope = .all
            return
        }
        if case .fields(let others) = scope { scope = .fields(others + names) } else { scope = .fields(names) }
    }

    /// Delta-seconds (RFC 9111 1.2.2), in quotes or not; nil for what is none.
    package static func seconds(_ text: ArraySlice<UInt8>) -> UInt64? {
        guard let digits = unquoted(text), !digits.isEmpty, digits.allSatisfy(\.isDigit) else { return nil }
        return digits.reduce(0) { min($0 * 10 + UInt64($1 - UInt8(ascii: "0")), maximumSeconds) }
    }

    /// A token as it is, or what a quoted string means; nil if the string does not end.
    private static func unquoted(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.first == UInt8(ascii: "\"") else { return Array(text) }
        var bytes: [UInt8] = []
        var rest = text.dropFirst()
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return rest.isEmpty ? bytes : nil }
            if byte == UInt8(ascii: "\\") {
                guard let next = rest.popFirst() else { return nil }
                bytes.append(next)
            } else {
                bytes.append(byte)
            }
        }
        return nil
    }
}
