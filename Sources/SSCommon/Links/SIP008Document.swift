// SIP008: a list of servers as JSON, as providers and managers hand them out. One bad entry must not take the others with it,
// so every entry is judged for itself and what is wrong is said with its place. The bytes are a stranger's.

package struct SIP008Document: Sendable {
    /// Larger documents are refused. In bytes.
    package static let sizeLimit = 8 << 20
    /// Entries after these are not looked at.
    package static let serverLimit = 4096

    /// The good entries, in their order.
    package private(set) var servers: [ServerLink] = []
    /// Of the user's traffic, where the document says so.
    package private(set) var bytesUsed: UInt64?
    package private(set) var bytesRemaining: UInt64?
    /// What is wrong, in the order of the text; errors are about entries that are left out, or about the document.
    package let diagnostics: [Diagnostic]

    /// Reads a document; `path` is what to call it.
    package init(_ bytes: [UInt8], path: String) {
        let document = JSONDocument(bytes, path: path, sizeLimit: Self.sizeLimit)
        var faults = FaultList()
        for fault in document.faults {
            faults.add(
                fault.code, fault.message, at: fault.span, in: document.source, label: fault.label, help: fault.help)
        }
        if let root = document.root {
            if case .object = root.kind {
                var reader = SIP008Reader(source: document.source, faults: faults)
                let top = reader.members(of: root)
                reader.checkVersion(top, root)
                servers = reader.servers(top, root)
                bytesUsed = reader.count("bytes_used", top)
                bytesRemaining = reader.count("bytes_remaining", top)
                faults = reader.faults
            } else {
                faults.add(
                    .notAnObject, "a SIP008 document is an object",
                    at: SourceSpan(root.span.start, root.span.start + 1), in: document.source,
                    label: "\"{\" belongs here")
            }
        }
        diagnostics = faults.sorted
    }

    /// A document to be written.
    package init(_ servers: [ServerLink]) {
        self.servers = servers
        diagnostics = []
    }
}
