// Where a body ends (RFC 9112 6). This is what request smuggling plays with, so requests get no benefit of the
// doubt: anything two parsers could read differently is refused.

package enum HTTPFraming: Hashable, Sendable {
    /// No body.
    case none
    /// Exactly so many bytes, at least one.
    case length(UInt64)
    /// The chunked coding.
    case chunked
    /// Everything until the sender closes; responses only.
    case untilClose

    /// The framing of a request.
    package init(request head: HTTPHead, minorVersion: Int) throws(HTTPFault) {
        let coded = head.fields.contains { $0.kind == .transferEncoding }
        let length = try Self.contentLength(head)
        if coded {
            if length != nil { throw .lengthWithCoding }
            if minorVersion == 0 { throw .codingInOldVersion }
            try Self.checkCodings(head)
            self = .chunked
        } else if let length, length > 0 {
            self = .length(length)
        } else {
            self = .none
        }
    }

    /// The framing of a final response to `method`. `trusted` is false where the sender broke a rule in a way
    /// that can be lived with once; the connection must then not be used again.
    package static func response(
        _ head: HTTPHead, status: Int, minorVersion: Int, toHEAD: Bool
    ) throws(HTTPFault) -> (framing: HTTPFraming, trusted: Bool) {
        if toHEAD || status < 200 || status == 204 || status == 304 { return (.none, true) }
        let coded = head.fields.contains { $0.kind == .transferEncoding }
        if coded {
            let both = head.fields.contains { $0.kind == .contentLength }
            do throws(HTTPFault) {
                try checkCodings(head)
                return (.chunked, !both && minorVersion >= 1)
            } catch {
                return (.untilClose, false)
            }
        }
        guard let length = try contentLength(head) else { return (.untilClose, true) }
        return (length == 0 ? .none : .length(length), true)
    }

    /// The one value of every Content-Length line and list member; nil without any.
    private static func contentLength(_ head: HTTPHead) throws(HTTPFault) -> UInt64? {
        var length: UInt64?
        guard head.fields.contains(where: { $0.kind == .contentLength }) else { return nil }
        for value in head.values(.contentLength) {
            for member in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                let number = try decimal(trimmed(member))
                if let length, length != number { throw .lengthConflict }
                length = number
            }
        }
        return length
    }

    /// 1*DIGIT below 2^63.
    package static func decimal(_ text: ArraySlice<UInt8>) throws(HTTPFault) -> UInt64 {
        guard !text.isEmpty else { throw .lengthInvalid }
        var value: UInt64 = 0
        for byte in text {
            guard byte.isDigit, value < UInt64(Int64.max) / 10 else { throw .lengthInvalid }
            value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
        }
        return value
    }

    /// Passes for the one coding understood here, "chunked" alone.
    private static func checkCodings(_ head: HTTPHead) throws(HTTPFault) {
        let codings = head.values(.transferEncoding).flatMap {
            $0.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map(trimmed)
        }
        guard let last = codings.last, equalIgnoringCase(last, "chunked") else { throw .codingNotChunked }
        let others = codings.dropLast()
        if others.contains(where: { $0.isEmpty || equalIgnoringCase($0, "chunked") }) { throw .codingNotChunked }
        if !others.isEmpty { throw .codingUnsupported }
    }
}
