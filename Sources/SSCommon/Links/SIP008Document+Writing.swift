// Writing a SIP008 document. Programs know a server again by its "id" when they fetch the list anew, so it must stay the same
// from one time to the next, and must not be made of the key.

extension SIP008Document {
    /// The document, ending with a line end.
    package var text: String {
        let entries = servers.map { server in
            var fields = [
                ("id", JSONText.quote(server.id ?? Self.id(of: server))),
                ("remarks", JSONText.quote(server.name ?? "")),
                ("server", JSONText.quote(server.host)), ("server_port", "\(server.port)"),
                ("password", JSONText.quote(server.password)), ("method", JSONText.quote(server.method)),
            ]
            if let plugin = server.plugin {
                fields.append(("plugin", JSONText.quote(plugin.name)))
                if let options = plugin.options { fields.append(("plugin_opts", JSONText.quote(options))) }
            }
            return "    {\n" + fields.map { "      \"\($0)\": \($1)" }.joined(separator: ",\n") + "\n    }"
        }
        let list = entries.isEmpty ? "[]" : "[\n" + entries.joined(separator: ",\n") + "\n  ]"
        let used = bytesUsed.map { ",\n  \"bytes_used\": \($0)" } ?? ""
        let remaining = bytesRemaining.map { ",\n  \"bytes_remaining\": \($0)" } ?? ""
        return "{\n  \"version\": 1,\n  \"servers\": \(list)\(used)\(remaining)\n}\n"
    }

    /// A UUID of one's own making (RFC 9562 5.8) out of the server's place and name.
    private static func id(of server: ServerLink) -> String {
        let place = Array("\(server.host)\u{0}\(server.port)\u{0}\(server.name ?? "")".utf8)
        var bytes = [UInt8](repeating: 0, count: 16)
        place.withUnsafeBytes { place in bytes.withUnsafeMutableBytes { BLAKE3.hash(place, into: $0) } }
        bytes[6] = bytes[6] & 0x0f | 0x80
        bytes[8] = bytes[8] & 0x3f | 0x80
        let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        var parts: [Substring] = []
        var rest = hex[...]
        for length in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return parts.joined(separator: "-")
    }
}
