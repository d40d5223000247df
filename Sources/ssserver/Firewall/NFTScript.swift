// What `nft -f` is given: each script is one transaction of the kernel's, done as a whole or not at all.
internal import SSCommon
internal import SSServerCore

/// A set of the prefixes of one family and length; named `v4_32`, `v6_64`.
struct NFTSet: Hashable, Sendable {
    var isIPv6: Bool
    /// As `BanPrefix` has it.
    var length: Int

    init(isIPv6: Bool, length: Int) {
        (self.isIPv6, self.length) = (isIPv6, length)
    }

    init(of prefix: BanPrefix) {
        (isIPv6, length) = (prefix.isIPv6, prefix.length)
    }

    /// Nil if it is none of ours.
    init?(_ name: Substring) {
        let isIPv6 = name.hasPrefix("v6_")
        guard isIPv6 || name.hasPrefix("v4_"), let length = Int(name.dropFirst(3)),
            Self.lengths(isIPv6).contains(length),
            "\(length)" == name.dropFirst(3)
        else { return nil }
        (self.isIPv6, self.length) = (isIPv6, length)
    }

    private static func lengths(_ isIPv6: Bool) -> ClosedRange<Int> {
        isIPv6 ? BanPrefix.widestIPv6...BanPrefix.narrowestIPv6 : BanPrefix.widestIPv4...32
    }

    var name: String { "\(isIPv6 ? "v6" : "v4")_\(length)" }

    /// The part of a source's address that is looked up.
    var match: String {
        if isIPv6 {
            "ip6 saddr & \(IPv6Address(high: ~UInt64(0) << UInt64(64 - length), low: 0))"
        } else if length == 32 {
            "ip saddr"
        } else {
            "ip saddr & \(IPv4Address(~UInt32(0) << UInt32(32 - length)))"
        }
    }
}

enum NFTScript {
    /// Elements of a set; memory is taken as they come.
    private static let capacity = 1 << 20

    /// Where packets come by that are for this machine and that go on to another or into a container, before an address or a port
    /// of theirs is changed (dstnat is -100), and before connections are followed (-200).
    static let hook = "prerouting"
    static let chain = "prerouting"
    private static let priority = -310

    static let removal = "add table inet autoban\ndelete table inet autoban\n"

    /// Makes what is missing; elements stay. The rules are written anew, so there is never one too many.
    static func structure(_ sets: Set<NFTSet>, _ ports: [UInt16]) -> String {
        var script = "add table inet autoban\n"
        for set in sets.ordered {
            let type = set.isIPv6 ? "ipv6_addr" : "ipv4_addr"
            script += "add set inet autoban \(set.name) { type \(type); size \(capacity); flags timeout; }\n"
        }
        script += "add set inet autoban ports { type inet_service; }\nflush set inet autoban ports\n"
        if !ports.isEmpty {
            script += "add element inet autoban ports { \(ports.map(String.init).joined(separator: ", ")) }\n"
        }
        script +=
            "add chain inet autoban \(chain) { type filter hook \(hook) priority \(priority); policy accept; }\n"
        script += "flush chain inet autoban \(chain)\n"
        for rule in rules(sets, ports) {
            script += "add rule inet autoban \(chain) \(rule.text) \(rule.verdict) comment \"\(rule.name)\"\n"
        }
        return script
    }

    /// One rule of the chain, without its comment, which is its name: that of a set where it drops.
    struct Rule {
        var name: String
        var text: String
        var verdict: String
    }

    /// In their order.
    static func rules(_ sets: Set<NFTSet>, _ ports: [UInt16]) -> [Rule] {
        // What goes elsewhere is left to the chains of others.
        let exemptions =
            ports.isEmpty
            ? []
            : [
                Rule(name: "other protocols", text: "meta l4proto != { tcp, udp }", verdict: "accept"),
                Rule(name: "other ports", text: "th dport != @ports", verdict: "accept"),
            ]
        return exemptions
            + sets.ordered.map { Rule(name: $0.name, text: "\($0.match) @\($0.name) counter", verdict: "drop") }
    }
}

extension Set<NFTSet> {
    /// IPv4 first, the narrowest first.
    var ordered: [NFTSet] { sorted { $0.isIPv6 == $1.isIPv6 ? $0.length > $1.length : !$0.isIPv6 } }
}
