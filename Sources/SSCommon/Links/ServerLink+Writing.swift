// Writing a link. One server has one spelling, so that two links can be compared and a code printed twice is the same code.

extension ServerLink {
    /// SIP002: what is in Base64 for the classic methods is percent-encoded for those of 2022, whose keys it would have
    /// wrapped in a second Base64. Always with the port.
    package var text: String {
        var user = "\(method):\(password)"
        if isOf2022 {
            user = PercentCoding.encode(user, keeping: ":")
        } else {
            user = Base64.encodeURLSafe(Array(user.utf8))
        }
        var arguments: [String] = []
        if let plugin { arguments.append("plugin=" + PercentCoding.encode(plugin.text)) }
        if let prefix { arguments.append("prefix=" + PercentCoding.encode(prefix)) }
        return "ss://\(user)@\(place)" + (arguments.isEmpty ? "" : "/?" + arguments.joined(separator: "&")) + tag
    }

    /// Everything in Base64, for programs that know no other form; nil for what that form cannot say.
    package var olderText: String? {
        guard plugin == nil, prefix == nil else { return nil }
        return "ss://" + Base64.encode(Array("\(method):\(password)@\(place)".utf8)) + tag
    }

    /// One JSON object in one line; the key and the link, which holds it, only if told to.
    package func json(withKey: Bool) -> String {
        var fields = [
            ("name", JSONText.quote(name)), ("host", JSONText.quote(host)), ("port", "\(port)"),
            ("method", JSONText.quote(method)), ("plugin", JSONText.quote(plugin?.name)),
            ("plugin_opts", JSONText.quote(plugin?.options)), ("prefix", JSONText.quote(prefix)),
        ]
        if withKey { fields += [("password", JSONText.quote(password)), ("link", JSONText.quote(text))] }
        return "{" + fields.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
    }

    private var isOf2022: Bool { method.lowercased().hasPrefix("2022-") }

    private var place: String {
        let host = host.contains(":") ? "[\(host)]" : PercentCoding.encode(host)
        return "\(host):\(port)"
    }

    private var tag: String { name.map { "#" + PercentCoding.encode($0) } ?? "" }
}

extension ServerLink.Plugin {
    /// As SIP002 and the configurations of others write it in one text.
    package var text: String { options.map { "\(name);\($0)" } ?? name }
}
