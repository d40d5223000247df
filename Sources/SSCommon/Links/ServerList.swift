// What a person may hand over to name servers: a link, several links (one a line), or a SIP008 document. Told apart by the
// first sign, so that nobody has to say which it is.

package struct ServerList: Sendable {
    package var servers: [ServerLink]
    /// What is wrong with the rest, with its place.
    package var diagnostics: [Diagnostic]

    /// `path` is what to call the text in diagnostics. At most `SIP008Document.serverLimit` servers.
    package init(_ bytes: [UInt8], path: String) {
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]
        switch bytes.first(where: { !blanks.contains($0) }) {
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "/"):
            let document = SIP008Document(bytes, path: path)
            servers = document.servers
            diagnostics = document.diagnostics
        default:
            (servers, diagnostics) = Self.lines(bytes, path: path)
        }
    }

    private static func lines(_ bytes: [UInt8], path: String) -> ([ServerLink], [Diagnostic]) {
        // Whatever stands here may be a key, so no line is ever shown.
        let source = SourceText(path: path, bytes: bytes, secrets: [SourceSpan(0, bytes.count)])
        var servers: [ServerLink] = []
        var faults = FaultList()
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } ?? bytes.count
            defer { start = end + 1 }
            guard let (text, span) = content(of: start..<end, in: bytes) else { continue }
            guard servers.count < SIP008Document.serverLimit else {
                faults.add(
                    .outOfRange, "too many servers", at: span, in: source,
                    label: "from here on none is read: more than \(SIP008Document.serverLimit)")
                break
            }
            do throws(ServerLink.Fault) {
                servers.append(try ServerLink(text))
            } catch {
                faults.add(
                    .badValue, error.description, at: span, in: source,
                    help: "a link is one whole line, as \"ssserver init\" and \"ssserver share\" print it")
            }
        }
        return (servers, faults.sorted)
    }

    /// A line without its blanks; nil for one that is empty or a comment.
    private static func content(of line: Range<Int>, in bytes: [UInt8]) -> (String, SourceSpan)? {
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        var rest = bytes[line]
        if line.lowerBound == 0, rest.starts(with: [0xef, 0xbb, 0xbf]) { rest = rest.dropFirst(3) }
        rest = rest.drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        if rest.isEmpty || rest.first == UInt8(ascii: "#") { return nil }
        return (String(decoding: rest, as: UTF8.self), SourceSpan(rest.startIndex, rest.endIndex))
    }
}
