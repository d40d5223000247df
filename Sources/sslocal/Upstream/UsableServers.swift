// From links to servers that can be gone through.
internal import SSCommon

struct UsableServers {
    private(set) var entries: [ServerEntry] = []
    /// Those of `entries`, in the same order.
    private(set) var links: [ServerLink] = []
    /// What was left out, and why.
    private(set) var reasons: [String] = []

    /// More servers than anybody has; what is beyond is left out.
    private static let limit = 256

    /// Each once. What a link does not say is as in `model`.
    init(_ all: [ServerLink], like model: EndpointConfiguration) {
        for link in all.prefix(Self.limit) {
            let place = link.address.map { "\($0)" } ?? TerminalText.quote(link.host)
            do throws(ServerLink.Fault) {
                let entry = try Self.entry(link, model)
                if entries.contains(where: { $0.isSame(as: entry) }) { continue }
                entries.append(entry)
                links.append(link)
            } catch {
                reasons.append("\(place): \(error)")
            }
        }
        if all.count > Self.limit {
            reasons.append("\(all.count - Self.limit) more servers: at most \(Self.limit) are taken")
        }
    }

    private static func entry(
        _ link: ServerLink, _ model: EndpointConfiguration
    ) throws(ServerLink.Fault) -> ServerEntry {
        var endpoint = try link.endpoint()
        endpoint.mode = model.mode
        endpoint.timeout = model.timeout
        guard let credential = try? Credential(method: endpoint.method, secret: link.password) else {
            throw ServerLink.Fault(description: "its key does not fit its method")
        }
        return ServerEntry(configuration: endpoint, credential: credential)
    }
}
