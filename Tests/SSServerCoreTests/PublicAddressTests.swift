import SSCommon
import SSServerCore
import Testing

@Suite("The address that a server's link names")
struct PublicAddressTests {
    private func choose(_ outward: [String], _ own: [String] = []) -> PublicAddress {
        PublicAddress(outward: outward.compactMap { IPAddress($0) }, own: Set(own.compactMap { IPAddress($0) }))
    }

    @Test(
        "A public IPv4 address comes first, then a public IPv6 one, then what there is",
        arguments: [
            (["1.2.3.4", "2a00::1"], [], "1.2.3.4", .everywhere), (["10.0.0.5", "2a00::1"], [], "2a00::1", .overIPv6),
            (["10.0.0.5", "fd00::2"], [], "10.0.0.5", .privateNetwork), (["fd00::2"], [], "fd00::2", .privateNetwork),
            (["192.0.2.2"], [], "192.0.2.2", .privateNetwork), (["100.64.1.1"], [], "100.64.1.1", .privateNetwork),
            (["::ffff:1.2.3.4"], [], "1.2.3.4", .everywhere),
            (
                [], ["127.0.0.1", "::1", "fe80::1", "fd00::2", "192.168.1.9", "192.168.1.10"], "192.168.1.10",
                .privateNetwork
            ),
            ([], ["127.0.0.1", "::1", "fe80::1"], "127.0.0.1", .nowhere), ([], [], "127.0.0.1", .nowhere),
            (["127.0.0.1"], ["127.0.0.1"], "127.0.0.1", .nowhere),
            // A public address that is not on the way out is no address to be reached at.
            (["10.0.0.5"], ["10.0.0.5", "1.2.3.4"], "10.0.0.5", .privateNetwork),
        ] as [([String], [String], String, PublicAddress.Reach)])
    func choice(outward: [String], own: [String], address: String, reach: PublicAddress.Reach) {
        let chosen = choose(outward, own)
        #expect(chosen.address.description == address)
        #expect(chosen.reach == reach)
    }
}

@Suite("What is said about the firewall")
struct FirewallAdviceTests {
    private func sighting(nftables: String? = nil, iptables: String? = nil) -> FirewallSighting {
        var sighting = FirewallSighting()
        sighting.nftables = nftables
        sighting.iptables = iptables
        return sighting
    }

    @Test("ufw and firewalld are told in their own words")
    func managers() {
        var sighting = FirewallSighting()
        sighting.hasFirewalld = true
        #expect(
            FirewallAdvice(sighting, port: 8388)
                == .closed(
                    by: "firewalld",
                    commands: [
                        "sudo firewall-cmd --permanent --add-port=8388/tcp --add-port=8388/udp",
                        "sudo firewall-cmd --reload",
                    ]))
        sighting.hasUFW = true
        #expect(FirewallAdvice(sighting, port: 8388) == .closed(by: "ufw", commands: ["sudo ufw allow 8388"]))
    }

    @Test("Where nothing could be looked at, nothing is claimed")
    func unknown() {
        #expect(FirewallAdvice(FirewallSighting(), port: 1) == .unknown)
        #expect(FirewallAdvice(sighting(nftables: ""), port: 1) == .open)
        #expect(FirewallAdvice(sighting(iptables: "-P INPUT ACCEPT\n"), port: 1) == .open)
    }

    private static let iptables = """
        -P INPUT ACCEPT
        -A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
        -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
        -A INPUT -j REJECT --reject-with icmp-host-prohibited

        """

    @Test("iptables refuses by its policy or by its last rule, unless the port is let in for both transports")
    func iptables() {
        let commands = ["tcp", "udp"].map { "sudo iptables -I INPUT -p \($0) --dport 8388 -j ACCEPT" }
        let closed = FirewallAdvice.closed(by: "iptables", commands: commands)
        let tcp = "-A INPUT -p tcp -m tcp --dport 8388 -j ACCEPT\n"
        let udp = "-A INPUT -p udp -m udp --dport 8388 -j ACCEPT\n"
        #expect(FirewallAdvice(sighting(iptables: Self.iptables), port: 8388) == closed)
        #expect(FirewallAdvice(sighting(iptables: "-P INPUT DROP\n"), port: 8388) == closed)
        #expect(FirewallAdvice(sighting(iptables: tcp + Self.iptables), port: 8388) == closed)
        #expect(FirewallAdvice(sighting(iptables: tcp + udp + Self.iptables), port: 8388) == .open)
        #expect(FirewallAdvice(sighting(iptables: tcp + udp + Self.iptables), port: 83) != .open)
        #expect(
            FirewallAdvice(sighting(iptables: "-P INPUT ACCEPT\n-A INPUT -s 1.2.3.4/32 -j DROP\n"), port: 1) == .open)
        for odd in ["-A INPUT -j", "-P INPUT", "-A", "\n\n", "-A INPUT"] {
            _ = FirewallAdvice(sighting(iptables: odd), port: 1)
        }
    }

    private static func nftables(_ policy: String, _ rules: String = "") -> String {
        """
        table inet filter {
        	set s {
        		type ipv4_addr
        	}

        	chain input {
        		type filter hook input priority filter; policy \(policy);
        		ct state established,related accept
        		tcp dport { 22, 443 } accept
        		\(rules)
        	}

        	chain forward {
        		type filter hook forward priority filter; policy drop;
        	}
        }

        """
    }

    @Test(
        "nftables refuses by the policy or by a bare rule of a chain for what comes in",
        arguments: [
            ("drop", "", false), ("accept", "drop", false), ("accept", "counter packets 0 bytes 0 drop", false),
            ("accept", "reject with icmpx port-unreachable", false), ("accept", "", true),
            ("accept", "ct state invalid drop", true), ("drop", "tcp dport 8388 accept", false),
            ("drop", "meta l4proto { tcp, udp } th dport 8388 accept", true),
            ("drop", "udp dport { 53, 8388 } accept\n\t\ttcp dport 8388 accept", true),
        ])
    func nftables(policy: String, rules: String, isOpen: Bool) {
        let advice = FirewallAdvice(sighting(nftables: Self.nftables(policy, rules)), port: 8388)
        let command = "sudo nft 'insert rule inet filter input meta l4proto { tcp, udp } th dport 8388 accept'"
        #expect(advice == (isOpen ? .open : .closed(by: "nftables (inet filter input)", commands: [command])))
    }

    @Test("A list that breaks off is no trap")
    func cutOff() {
        let text = Self.nftables("drop", "tcp dport 8388 accept")
        for count in 0...text.utf8.count {
            _ = FirewallAdvice(
                sighting(nftables: String(decoding: text.utf8.prefix(count), as: UTF8.self)), port: 8388)
        }
    }
}
