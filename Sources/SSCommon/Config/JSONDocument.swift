// A JSON text (RFC 8259) with the liberties people take in configurations - comments, trailing commas, and
// of JSON5 single quotes, bare keys, hexadecimal numbers - in which every value knows where it stands.
// Members keep their order and their repetitions, so that a repeated key can be reported.

/// A value and its place.
package struct JSONValue: Hashable, Sendable {
    package indirect enum Kind: Hashable, Sendable {
        case null
        case bool(Bool)
        /// As it is written; a legal JSON or JSON5 number.
        case number(String)
        /// Without quotes and escapes.
        case string(String)
        case array([JSONValue])
        case object([JSONMember])
    }

    package var kind: Kind
    package var span: SourceSpan

    package init(_ kind: Kind, _ span: SourceSpan) {
        self.kind = kind
        self.span = span
    }
}

/// A key, its place, and its value.
package struct JSONMember: Hashable, Sendable {
    package var key: String
    package var keySpan: SourceSpan
    package var value: JSONValue
}

/// What is wrong with a JSON text, and where.
package struct JSONFault: Error, Hashable, Sendable {
    package var code: DiagnosticCode
    package var span: SourceSpan
    package var message: String
    package var label = ""
    package var help: String?
}

/// The result of parsing; a pure function of the bytes.
package struct JSONDocument: Sendable {
    /// More than this is no configuration.
    package static let sizeLimit = 4 << 20
    /// More brackets within brackets than this are refused (RFC 8259 section 9 lets us set it).
    package static let depthLimit = 64

    /// The text, its secrets marked.
    package let source: SourceText
    /// Nil if the text could not be read to its end.
    package let root: JSONValue?
    package let faults: [JSONFault]

    /// `sizeLimit` is in bytes, whole MiB.
    package init(_ bytes: [UInt8], path: String, sizeLimit: Int = Self.sizeLimit) {
        if bytes.count > sizeLimit {
            let limit = "at most \(sizeLimit >> 20) MiB are read"
            faults = [JSONFault(code: .fileTooLarge, span: SourceSpan(0, 0), message: "file too large", label: limit)]
            root = nil
            source = SourceText(path: path, bytes: [])
        } else if let fault = Self.textFault(in: bytes) {
            faults = [fault]
            root = nil
            // Nobody has looked for the secrets on this line.
            let start = SourceText(path: path, bytes: bytes).lineSpan(of: fault.span.start).start
            let hidden = start < fault.span.start ? [SourceSpan(start, fault.span.start)] : []
            source = SourceText(path: path, bytes: bytes, secrets: hidden, cut: fault.span.end)
        } else {
            var parser = JSONParser(bytes)
            root = parser.document()
            faults = parser.faults
            let cut = root == nil ? max(parser.offset, parser.faults.last?.span.end ?? 0) : nil
            source = SourceText(path: path, bytes: bytes, secrets: parser.secrets, cut: cut)
        }
    }

    private static func textFault(in bytes: [UInt8]) -> JSONFault? {
        if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
            return JSONFault(
                code: .badText, span: SourceSpan(0, 2), message: "the file is UTF-16", help: "save it as UTF-8")
        }
        let invalid = UTF8Reader.firstFault(in: bytes)
        if let zero = bytes.firstIndex(of: 0), zero < invalid ?? Int.max {
            return JSONFault(
                code: .badText, span: SourceSpan(zero, zero + 1), message: "NUL byte in the file",
                help: "a configuration is plain text; this file may be damaged")
        }
        guard let invalid else { return nil }
        return JSONFault(
            code: .badText, span: SourceSpan(invalid, invalid + 1), message: "not UTF-8",
            label: "this byte begins no character", help: "save the file as UTF-8")
    }
}
