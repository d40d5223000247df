// A server in one line: `ss://method:password@host:port#name` (SIP002), or all of it in Base64 (the older form). One server
// of a SIP008 document is the same value. Nothing it says about itself or its faults repeats the link: it is a key.

package struct ServerLink: Hashable, Sendable {
    package var method: String
    package var password: String
    /// A name, or an address in its canonical form; IPv6 without brackets.
    package var host: String
    package var port: UInt16
    /// What stands behind `#`, `remarks` in SIP008.
    package var name: String?
    /// SIP003. Kept and written again; nothing here runs one.
    package var plugin: Plugin?
    /// Outline's `prefix`: a character U+0000...U+00FF for each byte with which a stream's salt is to begin. Kept and
    /// written again; nothing here acts on it.
    package var prefix: String?
    /// The identity of this server in a SIP008 document; no link has one.
    package var id: String?

    /// A program that the stream would go through.
    package struct Plugin: Hashable, Sendable {
        package var name: String
        /// `key=value` pairs with `;` between them, escaped as they came; nil for none.
        package var options: String?

        package init(name: String, options: String? = nil) {
            self.name = name
            self.options = options
        }
    }

    /// Why a link is none, or none that could be used, in words for a person.
    package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    /// The port of a link that names none.
    package static let defaultPort: UInt16 = 8388
    /// Longer texts are no links. In bytes.
    package static let maximumLength = 8192

    package init(
        method: String, password: String, host: String, port: UInt16, name: String? = nil, plugin: Plugin? = nil,
        prefix: String? = nil, id: String? = nil
    ) {
        self.method = method
        self.password = password
        self.host = host
        self.port = port
        self.name = name
        self.plugin = plugin
        self.prefix = prefix
        self.id = id
    }

    /// Where the server is; nil for a host that is none, which no parser lets through.
    package var address: TargetAddress? { TargetAddress(host: host, port: port) }

    /// `text` without what stands behind the first `ss://` in it, which holds a key.
    package static func covered(_ text: String) -> String {
        let mark = Array("ss://".utf8)
        let bytes = Array(text.utf8)
        var start = 0
        while start + mark.count < bytes.count {
            let candidate = bytes[start..<start + mark.count].map { $0 < 0x40 ? $0 : $0 | 0x20 }
            if candidate == mark { return String(decoding: bytes[..<start], as: UTF8.self) + "ss://••••••••" }
            start += 1
        }
        return text
    }
}

extension ServerLink: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "ss://***" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(reflecting: description) }
}
