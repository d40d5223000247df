// A request a proxy has understood: the head, and every decision about it that does not depend on who asks.
// Making one is the check that nothing malformed or ambiguous goes on to an origin (RFC 9112 3.2, 6).

/// An object, since it goes from hand to hand: a copy would touch each of its parts.
package final class HTTPRequest: Sendable {
    package let head: HTTPHead
    package let method: ArraySlice<UInt8>
    package let minorVersion: Int
    package let target: HTTPTarget
    package let framing: HTTPFraming
    package let connection: HTTPConnectionOptions
    /// The Host field; nil only in HTTP/1.0.
    package let host: HTTPAuthority?
    /// Max-Forwards of OPTIONS and TRACE, nil for other methods (RFC 9110 7.6.2).
    package let maxForwards: UInt64?

    package init(_ head: HTTPHead) throws(HTTPFault) {
        let line: HTTPRequestLineParts
        if let known = head.requestLine {
            line = known
        } else {
            line = try HTTPRequestLineParts(head.bytes.span.bytes, head.startLine)
        }
        self.head = head
        method = head.bytes[line.method]
        minorVersion = line.minorVersion
        host = try Self.host(head, minorVersion: line.minorVersion)
        framing = try HTTPFraming(request: head, minorVersion: line.minorVersion)
        connection = try HTTPConnectionOptions(head)
        target = try HTTPTarget(method: method, target: head.bytes[line.target])
        maxForwards = try Self.maxForwards(head, method: method)
    }

    package func isMethod(_ name: StaticString) -> Bool {
        method.count == name.utf8CodeUnitCount && name.withUTF8Buffer { method.elementsEqual($0) }
    }

    /// Whether the client wants to send another request on this connection.
    package var persists: Bool { connection.persists(minorVersion: minorVersion) }

    /// Whether it may be sent again when a connection dies before any byte of an answer: idempotent (RFC 9110
    /// 9.2.2) and without a body, since a body is gone once it has been passed on.
    package var isReplayable: Bool {
        framing == .none && wantsUpgrade == nil
            && (isMethod("GET") || isMethod("HEAD") || isMethod("OPTIONS") || isMethod("PUT") || isMethod("DELETE"))
    }

    /// The protocols the client offers to switch to, nil if none is passed on: HTTP/1.0 has no Upgrade, one with
    /// a body would have to finish it first, and h2c needs settings that belong to this hop (RFC 9113 3.1).
    package var wantsUpgrade: [ArraySlice<UInt8>]? {
        guard connection.upgrade, minorVersion >= 1, framing == .none else { return nil }
        let protocols = head.list(.upgrade)
        if protocols.isEmpty || protocols.contains(where: { equalIgnoringCase($0, "h2c") }) { return nil }
        return protocols
    }

    /// Whether the client can read trailers.
    package var acceptsTrailers: Bool {
        minorVersion >= 1 && head.list(.te).contains { equalIgnoringCase($0, "trailers") }
    }

    /// Whether this proxy has handled the request before (RFC 9110 7.6.3).
    package func hasPassed(_ pseudonym: String) -> Bool {
        head.list(.via).contains { member in
            let words = member.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 })
            return words.count >= 2 && words[1].elementsEqual(pseudonym.utf8)
        }
    }

    /// RFC 9112 3.2: exactly one, valid; HTTP/1.0 may leave it out.
    private static func host(_ head: HTTPHead, minorVersion: Int) throws(HTTPFault) -> HTTPAuthority? {
        guard let index = head.fields.firstIndex(where: { $0.kind == .host }) else {
            if minorVersion >= 1 { throw .hostMissing }
            return nil
        }
        if head.fields[(index + 1)...].contains(where: { $0.kind == .host }) { throw .hostRepeated }
        do throws(HTTPFault) { return try HTTPAuthority(head.value(head.fields[index])) } catch { throw .hostInvalid }
    }

    private static func maxForwards(_ head: HTTPHead, method: ArraySlice<UInt8>) throws(HTTPFault) -> UInt64? {
        guard method.elementsEqual("OPTIONS".utf8) || method.elementsEqual("TRACE".utf8) else { return nil }
        let values = head.values(.maxForwards)
        guard let value = values.first else { return nil }
        guard values.count == 1, let number = try? HTTPFraming.decimal(value) else { throw .badMaxForwards }
        return number
    }
}
