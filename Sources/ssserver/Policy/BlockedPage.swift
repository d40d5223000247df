// What somebody sees who asked for what is refused, where it can be shown: an answer in plain HTTP.
internal import SSCommon
internal import SSServerCore

enum BlockedPage {
    /// A whole response to `request`. `host` and `path` are strangers' words.
    static func response(
        to request: HTTPRequest, host: String, path: String?, _ rule: DecidingRule, contact: String?, date: String
    ) -> [UInt8] {
        var page = Page(title: "Refused: \(host)")
        page.heading("This server refuses the page")
        page.paragraph("The owner of the Shadowsocks server that you use does not let it fetch this address:")
        page.code(cut(host + (path ?? "")))
        page.paragraph("The rule that says so, and the list it stands in:")
        page.code("\(rule.rule)\n\(rule.place)")
        if let contact {
            page.section("Should it be open?")
            if let address = link(contact) {
                page.link("Ask the owner: \(contact)", to: address)
            } else {
                page.paragraph("Ask the owner: \(contact)")
            }
        } else {
            page.paragraph("If it should be open, ask the owner of the server, and name the rule.")
        }
        page.small("403 Forbidden · refused by ssserver; the web site was not asked")
        return HTTPLocalResponse(.server, status: 403, html: page.html).encode(to: request, persists: false, date: date)
    }

    /// Addresses may be as long as a request line.
    private static func cut(_ text: String) -> String {
        text.unicodeScalars.count <= 300
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(300))) + "…"
    }

    /// Only what opens a page or writes a letter becomes a link.
    private static func link(_ contact: String) -> String? {
        if ["https://", "http://", "mailto:"].contains(where: { contact.lowercased().hasPrefix($0) }) {
            return contact
        }
        let halves = contact.split(separator: "@", omittingEmptySubsequences: false)
        let isAddress =
            halves.count == 2 && halves.allSatisfy { !$0.isEmpty } && !contact.contains(where: \.isWhitespace)
        return isAddress ? "mailto:\(contact)" : nil
    }
}
