// What a link says, for a person: one line a field, and in the end whether this program can use it.
internal import SSCommon

struct LinkTable {
    let text: String

    init(_ link: ServerLink, showsKey: Bool) {
        var rows = [("server", link.host), ("port", "\(link.port)"), ("method", link.method)]
        if let name = link.name { rows.insert(("name", name), at: 0) }
        rows.append(("password", showsKey ? link.password : "•••••••• (--show-secrets shows it)"))
        if let plugin = link.plugin {
            rows.append(("plugin", plugin.name))
            if let options = plugin.options { rows.append(("options", options)) }
        }
        if let prefix = link.prefix { rows.append(("prefix", PercentCoding.encode(prefix))) }
        if showsKey {
            rows.append(("link", link.text))
            if let older = link.olderText { rows.append(("older form", older)) }
        }
        rows.append(("usable", Self.verdict(on: link)))
        let width = rows.map(\.0.utf8.count).max() ?? 0
        text = rows.map { label, value in
            label + String(repeating: " ", count: width - label.utf8.count + 2) + TerminalText.plain(value) + "\n"
        }.joined()
    }

    private static func verdict(on link: ServerLink) -> String {
        do throws(ServerLink.Fault) {
            _ = try link.endpoint()
            return link.prefix == nil ? "yes" : "yes, without the prefix, which this version does not act on"
        } catch {
            return "no: \(error)"
        }
    }
}
