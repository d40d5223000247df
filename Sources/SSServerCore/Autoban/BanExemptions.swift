// Who is never banned, and why: whoever bans those has locked out himself, or his server from the network.
package import SSCommon

package struct BanExemptions: Sendable {
    package struct Entry: Hashable, Sendable {
        package let range: IPPrefix
        /// What it is, in words that follow "it is": "an address of this machine".
        package let reason: String

        package init(_ range: IPPrefix, _ reason: String) {
            self.range = range
            self.reason = reason
        }

        package init(_ address: IPAddress, _ reason: String) {
            let address = address.folded
            // Any address is a range of its full length.
            self.init(IPPrefix(address, length: address.width)!, reason)
        }
    }

    private let fixed: [Entry]
    /// What was seen of this machine the last time.
    package var seen: [Entry] = []

    private static let loopback = ["127.0.0.0/8", "::1/128", "0.0.0.0/8", "::/128"].compactMap { IPPrefix($0) }

    /// RFC 6052 and RFC 8215: all hosts of IPv4 lie in one /64 of it.
    private static let translators = ["64:ff9b::/96", "64:ff9b:1::/48"].compactMap { IPPrefix($0) }

    package init(ignored: [IPPrefix]) {
        fixed =
            Self.translators.map { Entry($0, "what a translator of addresses shows of many (NAT64)") }
            + Self.loopback.map { Entry($0, "this machine itself") } + ignored.map { Entry($0, "told to be ignored") }
    }

    /// What it is that must not be banned in `prefix`; nil if there is nothing.
    package func reason(against prefix: BanPrefix) -> String? {
        fixed.first { prefix.overlaps($0.range) }?.reason ?? seen.first { prefix.overlaps($0.range) }?.reason
    }
}
