// The first line of a message: RFC 9112 3 and 4.

/// METHOD SP TARGET SP HTTP/1.x, single spaces only: where in a head the parts are.
package struct HTTPRequestLineParts: Hashable, Sendable {
    package let method: Range<Int>
    package let target: Range<Int>
    /// 0 or 1; a higher minor version means 1 (RFC 9110 2.5).
    package let minorVersion: Int

    package init(_ input: RawSpan, _ line: Range<Int>) throws(HTTPFault) {
        guard let first = input.firstOffset(of: 0x20, in: line),
            let last = line.last(where: { input.octet($0) == 0x20 }), last > first + 1
        else { throw .badRequestLine }
        method = line.lowerBound..<first
        target = first + 1..<last
        guard !method.isEmpty, method.allSatisfy({ isTokenByte(input.octet($0)) }) else { throw .badRequestLine }
        guard target.allSatisfy({ input.octet($0) > 0x20 && input.octet($0) != 0x7f }) else { throw .badRequestLine }
        let version = try httpVersion(input, last + 1..<line.upperBound)
        if version.major == 0 { throw .badVersion }
        if version.major != 1 { throw .unsupportedVersion }
        minorVersion = min(version.minor, 1)
    }
}

/// The same with what the parts are.
package struct HTTPRequestLine: Sendable {
    package let method: ArraySlice<UInt8>
    package let target: ArraySlice<UInt8>
    /// 0 or 1.
    package let minorVersion: Int

    package init(_ line: ArraySlice<UInt8>) throws(HTTPFault) {
        let parts = try HTTPRequestLineParts(line.span.bytes, 0..<line.count)
        method = line.dropFirst(parts.method.lowerBound).prefix(parts.method.count)
        target = line.dropFirst(parts.target.lowerBound).prefix(parts.target.count)
        minorVersion = parts.minorVersion
    }
}

/// HTTP/1.x SP CODE [ SP REASON ].
package struct HTTPStatusLine: Sendable {
    /// 100...599; higher ones are refused, RFC 9110 15 calls them invalid.
    package let status: Int
    package let reason: ArraySlice<UInt8>
    package let minorVersion: Int

    package init(_ line: ArraySlice<UInt8>) throws(HTTPFault) {
        let parts = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, let version = try? Self.version(parts[0]), version.major == 1 else {
            throw .badStatusLine
        }
        guard parts[1].count == 3, parts[1].allSatisfy(\.isDigit) else { throw .badStatusLine }
        status = parts[1].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        guard (100...599).contains(status) else { throw .badStatusLine }
        reason = parts.count == 3 ? parts[2] : []
        minorVersion = min(version.minor, 1)
    }

    private static func version(_ text: ArraySlice<UInt8>) throws(HTTPFault) -> (major: Int, minor: Int) {
        try httpVersion(text.span.bytes, 0..<text.count)
    }
}

/// HTTP/DIGIT.DIGIT, case-sensitive (RFC 9112 2.3).
private func httpVersion(_ input: RawSpan, _ text: Range<Int>) throws(HTTPFault) -> (major: Int, minor: Int) {
    let start = text.lowerBound
    let name: StaticString = "HTTP/"
    guard text.count == 8, (0..<5).allSatisfy({ input.octet(start + $0) == name.utf8Start[$0] }),
        input.octet(start + 5).isDigit, input.octet(start + 6) == UInt8(ascii: "."), input.octet(start + 7).isDigit
    else { throw .badVersion }
    return (Int(input.octet(start + 5) - UInt8(ascii: "0")), Int(input.octet(start + 7) - UInt8(ascii: "0")))
}
