// The first line of a message: RFC 9112 3 and 4.

/// METHOD SP TARGET SP HTTP/1.x, single spaces only.
package struct HTTPRequestLine: Sendable {
    package let method: ArraySlice<UInt8>
    package let target: ArraySlice<UInt8>
    /// 0 or 1; a higher minor version means 1 (RFC 9110 2.5).
    package let minorVersion: Int

    package init(_ line: ArraySlice<UInt8>) throws(HTTPFault) {
        guard let first = line.firstIndex(of: 0x20), let last = line.lastIndex(of: 0x20), last > first + 1 else {
            throw .badRequestLine
        }
        method = line[..<first]
        target = line[(first + 1)..<last]
        guard !method.isEmpty, method.allSatisfy(isTokenByte) else { throw .badRequestLine }
        guard !target.contains(where: { $0 <= 0x20 || $0 == 0x7f }) else { throw .badRequestLine }
        let version = try httpVersion(line[(last + 1)...])
        if version.major == 0 { throw .badVersion }
        if version.major != 1 { throw .unsupportedVersion }
        minorVersion = min(version.minor, 1)
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
        guard parts.count >= 2, let version = try? httpVersion(parts[0]), version.major == 1 else {
            throw .badStatusLine
        }
        guard parts[1].count == 3, parts[1].allSatisfy(\.isDigit) else { throw .badStatusLine }
        status = parts[1].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        guard (100...599).contains(status) else { throw .badStatusLine }
        reason = parts.count == 3 ? parts[2] : []
        minorVersion = min(version.minor, 1)
    }
}

/// HTTP/DIGIT.DIGIT, case-sensitive (RFC 9112 2.3).
private func httpVersion(_ text: ArraySlice<UInt8>) throws(HTTPFault) -> (major: Int, minor: Int) {
    let start = text.startIndex
    guard text.count == 8, text.starts(with: "HTTP/".utf8), text[start + 5].isDigit,
        text[start + 6] == UInt8(ascii: "."), text[start + 7].isDigit
    else { throw .badVersion }
    return (Int(text[start + 5] - UInt8(ascii: "0")), Int(text[start + 7] - UInt8(ascii: "0")))
}
