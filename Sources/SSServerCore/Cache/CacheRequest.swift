// A request as a cache reads it (RFC 9111 5.2.1, RFC 9110 13 and 14), each field looked at once.
package import SSCommon

package struct CacheRequest: Sendable {
    package enum Method: Hashable, Sendable {
        case get
        case head
        /// Neither asked of the store nor a reason to forget anything (RFC 9110 9.2.1).
        case safe
        /// Anything else, what nobody knows included.
        case unsafe
    }

    package let method: Method
    package private(set) var directives = CacheDirectives()
    package private(set) var hasAuthorization = false
    package private(set) var hasCookie = false
    /// All lines; nil without any.
    package private(set) var ifNoneMatch: [ArraySlice<UInt8>]?
    package private(set) var ifModifiedSince: ArraySlice<UInt8>?
    package private(set) var ifRange: ArraySlice<UInt8>?
    /// If-Match or If-Unmodified-Since: for the origin to judge.
    package private(set) var hasOriginCondition = false
    package private(set) var range: ByteRange?
    /// Any Range field, one that cannot be read included.
    package private(set) var hasRange = false
    /// Whether a body comes with it.
    package let hasBody: Bool
    /// Whether it has fields by which some origins answer something else than the URL says, and which are in no key: nothing
    /// that comes of it is for others (web cache poisoning).
    package private(set) var isPeculiar = false

    package init(_ request: HTTPRequest) {
        let head = request.head
        method =
            request.isMethod("GET")
            ? .get
            : request.isMethod("HEAD")
                ? .head : request.isMethod("OPTIONS") || request.isMethod("TRACE") ? .safe : .unsafe
        hasBody = request.framing != .none
        // What Connection names does not reach the origin, but would be taken for a part of the key.
        isPeculiar = request.connection.names.contains { name in
            head.fields.contains { $0.kind == .other && equalIgnoringCase(head.name($0), name) }
        }
        var control: [ArraySlice<UInt8>] = []
        var isNoCachePragma = false
        for field in head.fields where field.kind == .other {
            let name = head.name(field)
            let value = head.value(field)
            if name.first?.lowercasedASCII == UInt8(ascii: "x") || name.count == 9, Self.isRouting(name) {
                isPeculiar = true
            }
            switch name.count {
            case 5 where equalIgnoringCase(name, "range"):
                range = hasRange ? nil : ByteRange(value)
                hasRange = true
            case 6:
                if equalIgnoringCase(name, "cookie") { hasCookie = true }
                if equalIgnoringCase(name, "pragma"), !isNoCachePragma {
                    isNoCachePragma = HTTPHead.members(value).contains { equalIgnoringCase($0, "no-cache") }
                }
            case 8:
                if equalIgnoringCase(name, "if-range") { ifRange = value }
                if equalIgnoringCase(name, "if-match") { hasOriginCondition = true }
            case 13:
                if equalIgnoringCase(name, "cache-control") { control.append(value) }
                if equalIgnoringCase(name, "authorization") { hasAuthorization = true }
                if equalIgnoringCase(name, "if-none-match") { ifNoneMatch = (ifNoneMatch ?? []) + [value] }
            case 17 where equalIgnoringCase(name, "if-modified-since"): ifModifiedSince = value
            case 19 where equalIgnoringCase(name, "if-unmodified-since"): hasOriginCondition = true
            default: break
            }
        }
        if !control.isEmpty {
            directives = CacheDirectives(control)
        } else if isNoCachePragma {
            // RFC 9111 5.4: only where there is no Cache-Control.
            directives.noCache = .all
        }
    }

    private static func isRouting(_ name: ArraySlice<UInt8>) -> Bool {
        let names: [StaticString] = [
            "forwarded", "x-host", "x-original-url", "x-rewrite-url", "x-original-host", "x-http-method",
            "x-http-method-override", "x-method-override", "x-forwarded",
        ]
        let prefix: StaticString = "x-forwarded-"
        return names.contains { equalIgnoringCase(name, $0) }
            || equalIgnoringCase(name.prefix(prefix.utf8CodeUnitCount), prefix)
    }

    /// Whether the answer would be another one for somebody who asks the same without these.
    package var isConditional: Bool { ifNoneMatch != nil || ifModifiedSince != nil || hasOriginCondition }

    /// Whether others who ask the same may wait for the answer to this one, and this one for theirs.
    package var mayShare: Bool {
        method == .get && !hasBody && !isPeculiar && !isConditional && !hasRange && !hasAuthorization
            && !directives.noStore
            && directives.noCache.isAbsent && directives.maxAge == nil && directives.minFresh == nil
    }
}

extension CacheDirectives.Scope {
    var isAbsent: Bool { if case .absent = self { true } else { false } }
}
