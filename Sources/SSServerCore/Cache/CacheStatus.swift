// Cache-Status (RFC 9211): what the cache did with a request, for whoever looks at the answer.
internal import SSCommon

package struct CacheStatus: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        case hit
        case forwarded(ForwardReason)
    }

    package var outcome: Outcome
    /// Of the origin's answer.
    package var status: Int?
    package var isStored = false
    package var isCollapsed = false
    /// Seconds that it is good for; below 0 when it is stale.
    package var ttl: Int64?
    /// Why it was not kept, or why something stale is used.
    package var detail: String?

    /// A token, or a string where it is none (RFC 8941 3.3).
    private static func item(_ text: String) -> String {
        if let first = text.utf8.first, first.isLetter, text.utf8.allSatisfy(isTokenByte) { return text }
        let plain = text.unicodeScalars.filter { (0x20...0x7e).contains($0.value) }
        return "\"" + plain.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
    }

    /// What most lines begin with.
    private static let hit = Array("Cache-Status: ssserver; hit; ttl=".utf8)

    package init(_ outcome: Outcome) { self.outcome = outcome }

    /// The whole line.
    package var line: [UInt8] {
        if outcome == .hit, let ttl, detail == nil { return Self.hit + String(ttl).utf8 + [13, 10] }
        var text = "Cache-Status: ssserver; "
        switch outcome {
        case .hit: text += "hit"
        case .forwarded(let reason):
            text += "fwd=\(reason.rawValue)"
            if let status { text += "; fwd-status=\(status)" }
        }
        if isStored { text += "; stored" }
        if isCollapsed { text += "; collapsed" }
        if let ttl { text += "; ttl=\(ttl)" }
        if let detail { text += "; detail=" + Self.item(detail) }
        return Array((text + "\r\n").utf8)
    }
}
