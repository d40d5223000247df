// Everything a peer's HTTP/1 message can be refused for (RFC 9112; the list of malformed input that must not
// reach an origin). A fault in a request is answered with `status`; one in a response becomes a 502. After a
// fault nothing more is parsed from that peer: its framing is not to be trusted.

/// Why a message is refused. The raw value is the sentence a person reads; it holds nothing of the message.
package enum HTTPFault: String, Error, CaseIterable {
    // The bytes of a head or of a trailer section (RFC 9112 2.2, 5).
    case bareLineFeed = "a line ends in LF without CR"
    case bareCarriageReturn = "a CR stands without LF"
    case controlByte = "a control byte stands in the head"
    case leadingSpace = "the first field line begins with white space"
    case foldedLine = "a field line is folded"
    case missingColon = "a field line has no colon"
    case spaceBeforeColon = "white space stands before a colon"
    case badFieldName = "a field name is not a token"
    case requestLineTooLong = "the request line is over 8 KiB"
    case headTooLarge = "the head is over 32 KiB"
    case tooManyFields = "the head has over 100 fields"

    // The start line (RFC 9112 3, 4).
    case badRequestLine = "the request line is not METHOD TARGET HTTP/1.1"
    case badStatusLine = "the status line is not HTTP/1.1 CODE REASON"
    case badVersion = "the HTTP version is not understood"
    case unsupportedVersion = "only HTTP/1.0 and HTTP/1.1 are spoken here"

    // Where the request goes (RFC 9112 3.2, RFC 9110 4.2, 7.2).
    case badTarget = "the request target is not valid"
    case badAuthority = "the host or port is not valid"
    case userinfo = "the address holds a user name"
    case fragment = "the address holds a fragment"
    case schemeUnsupported = "only http:// addresses can be asked for this way; others need CONNECT"
    case hostMissing = "there is no Host field"
    case hostRepeated = "there is more than one Host field"
    case hostInvalid = "the Host field is not a host and port"
    case bodyInConnect = "CONNECT has a body"
    case badMaxForwards = "Max-Forwards is not a number"

    // How long the body is (RFC 9112 6, 7).
    case lengthInvalid = "Content-Length is not a number"
    case lengthConflict = "Content-Length has several values"
    case lengthWithCoding = "Content-Length and Transfer-Encoding stand together"
    case codingNotChunked = "Transfer-Encoding does not end in chunked"
    case codingUnsupported = "a transfer coding is not supported"
    case codingInOldVersion = "Transfer-Encoding stands in an HTTP/1.0 message"
    case chunkSizeInvalid = "a chunk size is not valid"
    case chunkExtensionTooLong = "a chunk extension is over 256 bytes"
    case chunkEndMissing = "a chunk does not end where its size says"
    case truncated = "the message ends in the middle"

    /// The status a request with this fault is answered with.
    package var status: Int {
        switch self {
        case .requestLineTooLong: 414
        case .headTooLarge, .tooManyFields: 431
        case .unsupportedVersion: 505
        case .schemeUnsupported, .codingUnsupported: 501
        case .bareLineFeed, .bareCarriageReturn, .controlByte, .leadingSpace, .foldedLine, .missingColon,
            .spaceBeforeColon, .badFieldName, .badRequestLine, .badStatusLine, .badVersion, .badTarget,
            .badAuthority, .userinfo, .fragment, .hostMissing, .hostRepeated, .hostInvalid, .bodyInConnect,
            .badMaxForwards,
            .lengthInvalid, .lengthConflict, .lengthWithCoding, .codingNotChunked, .codingInOldVersion,
            .chunkSizeInvalid, .chunkExtensionTooLong, .chunkEndMissing, .truncated:
            400
        }
    }
}
