// A look at this machine's firewalls. It reads and lists; nothing is changed.
internal import SSNetwork
internal import SSServerCore

enum FirewallLook {
    static func sighting() -> FirewallSighting {
        var sighting = FirewallSighting()
        sighting.hasUFW = ChildOutput.find("ufw") != nil && isUFWEnabled
        sighting.hasFirewalld = ChildOutput.of("firewall-cmd", ["--state"]) != nil
        sighting.iptables = ChildOutput.of("iptables", ["-S"])
        sighting.ip6tables = ChildOutput.of("ip6tables", ["-S"])
        sighting.nftables = ChildOutput.of("nft", ["list", "ruleset"])
        return sighting
    }

    /// `ufw status` needs root; this file may be read by everybody.
    private static var isUFWEnabled: Bool {
        guard let file = try? SmallFile("/etc/ufw/ufw.conf", limit: 64 << 10) else { return false }
        return String(decoding: file.bytes, as: UTF8.self).split(separator: "\n")
            .contains { $0.lowercased().filter { $0 != " " }.hasPrefix("enabled=yes") }
    }
}
