// Who asks the admin API when its socket is forwarded to a port of a laptop, to be seen in a browser there (ssh -L): pages of
// strangers are open in the same browser, and must neither read nor order anything (DNS rebinding, cross-site requests).
internal import SSCommon

enum AdminVisitor {
    /// Why a request is not answered; nil for one that is. Arguments are the values of the fields of these names (RFC 9110
    /// sections 7.2 and 4.3.1, RFC 6454 section 7, Fetch Metadata).
    static func refusal(host: [String], origin: [String], fetchSite: [String]) -> AdminFailure? {
        guard host.count <= 1, host.allSatisfy(isOwn) else {
            return AdminFailure(421, "this API answers to the name localhost alone: ask with \"Host: localhost\"")
        }
        if let origin = origin.first, origin != "http://\(host.first ?? "")" {
            return AdminFailure(403, "this API is not for other pages")
        }
        // None is what somebody typed or has as a bookmark.
        if let site = fetchSite.first, site != "same-origin", site != "none" {
            return AdminFailure(403, "this API is not for other pages")
        }
        return nil
    }

    /// Names of this machine that no name server can give another meaning (RFC 6761 section 6.3). Any other name, of one label too, may
    /// be answered by whoever is in the same network.
    private static func isOwn(_ host: String) -> Bool {
        // The path of a socket, as some libraries send it, is no name at all.
        if host.isEmpty || host.hasPrefix("%2F") || host.hasPrefix("%2f") { return true }
        let name: Substring
        let rest: Substring
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            name = host[host.index(after: host.startIndex)..<end]
            rest = host[host.index(after: end)...]
        } else {
            name = host.prefix { $0 != ":" }
            rest = host[name.endIndex...]
        }
        guard rest.isEmpty || (rest.first == ":" && UInt16(rest.dropFirst()) != nil) else { return false }
        if let address = IPAddress(name) { return address.isLoopback && address.isIPv6 == host.hasPrefix("[") }
        let lower = name.lowercased()
        return lower == "localhost" || lower.hasSuffix(".localhost")
    }
}
