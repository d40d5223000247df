// What `nft list ruleset` says about port 21001: tables of rules, several tables at once, and lists that nft never
// printed.
import SSCommon
import SSServerCore
import Testing

@Suite("What nft does to a port")
struct NFTTests {
    private func verdict(_ rules: String, _ mode: RelayMode = .tcpOnly, at address: String = "0.0.0.0") -> Verdict {
        var sighting = FirewallSighting()
        sighting.nftables = rules
        return Verdict(FirewallAdvice(sighting, wanted(mode, at: address)))
    }

    private static func table(_ policy: String, _ rules: [String], chains: String = "", family: String = "inet")
        -> String
    {
        """
        table \(family) filter {
        	comment "what comes in"
        	set friends {
        		type ipv4_addr
        		flags interval
        		elements = { 1.2.3.4, 10.0.0.0/8,
        			     192.168.0.0/16 }
        	}

        	chain input {
        		comment "all of it"
        		type filter hook input priority filter; policy \(policy);
        		ct state established,related accept
        		ct state invalid drop
        		iif "lo" accept
        		\(rules.joined(separator: "\n\t\t"))
        	}

        \(chains)
        	chain forward {
        		type filter hook forward priority filter; policy drop;
        	}
        }

        """
    }

    @Test(
        "A rule that opens, under a policy that drops",
        arguments: [
            ("", .shut), ("accept", .open), ("counter packets 12 bytes 345 accept", .open),
            ("meta l4proto tcp accept", .open),
            ("tcp dport 21001 accept", .open), ("tcp dport 22 accept", .shut), ("udp dport 21001 accept", .shut),
            ("tcp dport 21000-21010 accept", .open), ("tcp dport 21002-21010 accept", .shut),
            ("tcp dport { 22, 21001 } accept", .open), ("tcp dport { 22, 443 } accept", .shut),
            ("tcp dport { 22, 21000-21010 } counter packets 0 bytes 0 accept comment \"drop it\"", .open),
            ("tcp dport != 22 accept", .open), ("tcp dport != { 22, 21001 } accept", .shut),
            ("tcp dport >= 1024 accept", .open), ("tcp dport < 1024 accept", .shut),
            ("tcp dport > 21001 accept", .shut),
            ("tcp dport <= 21001 accept", .open), ("tcp dport ssh accept", .unclear),
            ("tcp dport @open accept", .unclear),
            ("tcp sport 53 accept", .unclear), ("tcp sport 1024-65535 tcp dport 21001 accept", .open),
            ("th dport 21001 accept", .open), ("meta l4proto { tcp, udp } th dport 21001 accept", .open),
            ("meta l4proto udp th dport 21001 accept", .shut), ("meta l4proto != udp accept", .open),
            ("ip protocol tcp accept", .open), ("ip6 nexthdr tcp accept", .shut), ("ip protocol icmp accept", .shut),
            ("meta nfproto ipv4 accept", .open), ("meta nfproto ipv6 accept", .shut),
            ("meta protocol ip accept", .open),
            ("ip saddr 0.0.0.0/0 accept", .open), ("ip saddr 10.0.0.0/8 accept", .shut),
            ("ip6 saddr ::/0 accept", .shut),
            ("ip saddr { 1.2.3.4, 10.0.0.0/8 } accept", .shut), ("ip saddr != 10.0.0.0/8 accept", .open),
            ("ip saddr @friends accept", .unclear), ("ip saddr @friends tcp dport 22 accept", .shut),
            ("ip saddr @friends drop", .shut), ("ip daddr 224.0.0.251 accept", .shut),
            ("ip daddr 1.2.3.4 accept", .unclear),
            ("iifname \"lo\" accept", .shut), ("iifname != \"lo\" accept", .open),
            ("iifname \"eth0\" accept", .unclear),
            ("iifname { \"lo\", \"eth0\" } accept", .unclear), ("iifname \"accept\" drop", .shut),
            ("iifname \"set\" accept", .unclear),
            ("meta iifname \"lo\" accept", .shut), ("icmp type echo-request accept", .shut),
            ("meta l4proto { icmp, ipv6-icmp } accept", .shut), ("udp sport 53 accept", .shut),
            ("ct state new accept", .open), ("ct state { new, untracked } accept", .open),
            ("ct state != new accept", .shut),
            ("ct state new tcp dport 21001 accept", .open), ("ct state established,related,new accept", .open),
            ("ct state != invalid accept", .open), ("ct state ! established,related accept", .open),
            ("ct state ! new,related accept", .shut), ("ct state != established,related accept", .open),
            ("ct status dnat accept", .shut), ("ct mark 0x1 accept", .unclear),
            ("ct original ip saddr 1.2.3.4 accept", .unclear),
            ("limit rate 5/second accept", .unclear), ("limit rate 5/second burst 5 packets drop", .shut),
            ("tcp flags & (fin | syn) == syn accept", .unclear), ("tcp flags syn / fin,syn accept", .unclear),
            ("udp length 5 accept", .shut), ("fib daddr type local accept", .open),
            ("fib daddr type { broadcast, multicast } accept", .shut), ("fib saddr . iif oif missing accept", .unclear),
            ("xt match \"tcp\" counter packets 0 bytes 0 accept", .unclear), ("xt target \"TARPIT\"", .unclear),
            ("meta mark set 0x00000001 tcp dport 21001 accept", .open), ("mark 0x1 accept", .unclear),
            ("log prefix \"in: drop \" level warn flags tcp sequence,options accept", .open), ("log", .shut),
            ("log flags all accept", .open), ("queue to 1", .unclear), ("notrack accept", .open), ("return", .shut),
            ("meta l4proto . th dport { tcp . 21001, udp . 53 } accept", .unclear),
            ("ip saddr . tcp dport @pairs accept", .unclear), ("ip saddr . tcp dport @pairs drop", .shut),
            ("tcp dport vmap { 22 : drop, 21000-21010 : accept }", .open), ("tcp dport vmap { 22 : accept }", .shut),
            ("tcp dport vmap { 22 : drop, * : accept }", .open), ("tcp dport vmap @verdicts", .unclear),
            ("udp dport vmap @verdicts", .shut), ("ct state vmap { invalid : drop, new : accept }", .open),
            ("ct state vmap { established : accept, related : accept, invalid : drop }", .shut),
            ("meta l4proto vmap { tcp : accept, udp : drop }", .open),
            ("ip protocol . th dport vmap { tcp . 21001 : accept }", .unclear),
            ("ip saddr vmap { 1.2.3.4 : drop, 0.0.0.0/0 : goto nowhere }", .unclear), ("jump nowhere", .unclear),
        ] as [(String, Verdict)])
    func opening(rule: String, expected: Verdict) {
        #expect(verdict(Self.table("drop", [rule])) == expected)
    }

    @Test(
        "A rule that shuts, under a policy that accepts",
        arguments: [
            ("", .open), ("drop", .shut), ("counter packets 0 bytes 0 drop", .shut), ("reject", .shut),
            ("reject with icmpx port-unreachable", .shut), ("meta l4proto tcp reject with tcp reset", .shut),
            ("tcp dport 21001 drop", .shut), ("tcp dport 22 drop", .open), ("udp dport 21001 drop", .open),
            ("tcp dport { 1-1023, 21001 } reject with icmp port-unreachable", .shut), ("ip saddr @bad drop", .unclear),
            ("ip saddr @bad accept", .open), ("tcp dport 22 ip saddr @bad reject with icmp port-unreachable", .open),
            ("limit rate over 10/second burst 5 packets drop", .unclear), ("ct count over 10 reject", .unclear),
            ("tcp dport 22 ct count over 10 reject", .open), ("ip6 saddr 2000::/3 drop", .open),
            ("add @seen { ip saddr limit rate over 10/minute } drop", .unclear), ("add @seen { ip saddr }", .open),
            ("ct state new add @seen { ip saddr timeout 60s } accept", .open), ("rt type 0 drop", .open),
        ] as [(String, Verdict)])
    func shutting(rule: String, expected: Verdict) {
        #expect(verdict(Self.table("accept", [rule])) == expected)
    }

    @Test(
        "Chains are followed and left again",
        arguments: [
            (["jump own"], "tcp dport 21001 accept", .open), (["jump own"], "tcp dport 22 accept", .shut),
            (["jump own", "accept"], "drop", .shut), (["jump own", "accept"], "return\n\t\tdrop", .open),
            (["goto own", "accept"], "tcp dport 22 accept", .shut),
            (["iifname \"eth0\" jump own", "accept"], "drop", .unclear),
            (["iifname \"eth0\" goto own", "goto own"], "accept", .open),
            (["iifname \"lo\" goto own", "accept"], "drop", .open), (["jump own"], "jump own", .unclear),
            (["tcp dport vmap { 21001 : jump own }", "accept"], "drop", .shut),
            (["tcp dport vmap { 21001 : jump own }", "accept"], "ct state invalid drop", .open),
        ] as [([String], String, Verdict)])
    func chains(rules: [String], own: String, expected: Verdict) {
        let chain = "\tchain own {\n\t\t\(own)\n\t}\n"
        #expect(verdict(Self.table("drop", rules, chains: chain)) == expected)
    }

    @Test("Every chain for what comes in must let it in, of every table that concerns the family")
    func tables() {
        let open = Self.table("accept", [])
        for (family, v4, v6) in [
            ("ip", Verdict.shut, Verdict.open), ("ip6", .open, .shut), ("inet", .shut, .shut), ("bridge", .open, .open),
            ("arp", .open, .open), ("netdev", .open, .open),
        ] {
            let both = open + Self.table("drop", [], family: family)
            #expect(verdict(both, at: "0.0.0.0") == v4)
            #expect(verdict(both, at: "2a00::1") == v6)
            #expect(verdict(Self.table("drop", ["accept"], family: family) + open, at: "::") == .open)
        }
        #expect(verdict(open + Self.table("drop", ["jump own"], chains: "")) == .unclear)
        let dormant =
            "table ip own {\n\tflags dormant\n\tchain i {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}"
        #expect(verdict(dormant) == .open)
        #expect(verdict(dormant.replacing("\tflags dormant\n", with: "")) == .shut)
    }

    @Test("A server of streams needs nothing but TCP, one of both needs both")
    func modes() {
        let tcp = Self.table("drop", ["tcp dport 21001 accept"])
        #expect(verdict(tcp, .tcpOnly, at: "::") == .open)
        #expect(verdict(tcp, .udpOnly, at: "::") == .shut)
        #expect(verdict(tcp, .tcpAndUDP, at: "::") == .shut)
        let both = Self.table("drop", ["tcp dport 21001 accept", "udp dport { 53, 21001 } accept"])
        #expect(verdict(both, .tcpAndUDP, at: "::") == .open)
    }

    // MARK: What nft never printed

    @Test("A list that breaks off anywhere is no trap")
    func cutOff() {
        let rules = [
            "tcp dport { 22, 21001 } accept", "tcp dport vmap { 22 : drop, 80 : goto x }", "log prefix \"a\" drop",
        ]
        let text = Array(Self.table("drop", rules, chains: "\tchain own {\n\t\tjump own\n\t}\n").utf8)
        for count in 0...text.count { _ = verdict(String(decoding: text.prefix(count), as: UTF8.self), .tcpAndUDP) }
        for count in 0...text.count { _ = verdict(String(decoding: text.suffix(count), as: UTF8.self), .tcpAndUDP) }
    }

    @Test("Odd rules are no trap")
    func oddities() {
        let words = [
            "tcp", "dport", "{", "}", ",", ":", "vmap", "@x", "!=", "<", "21001", "jump", "set", "\"", "log", "flags",
            "counter", "name", "meta", "ct", "fib", "limit", ".", "packets", "comment", "type", "hook", "policy", ";",
        ]
        let start = "table ip t {\nchain c {\ntype filter hook input priority 0; policy drop;\n"
        for first in words {
            for second in words {
                for third in words.prefix(8) { _ = verdict("\(start)\(first) \(second) \(third)\n}\n}\n") }
            }
        }
    }

    @Test(
        "A quarter of a megabyte of junk is read in a moment", .timeLimit(.minutes(1)),
        arguments: [
            "{", "}", "tcp ", "tcp dport 1\n", "{ 1 : jump ", "\"", ",", "vmap { ", "jump input\n", "limit \n", "1, ",
        ])
    func junk(piece: String) {
        let text = String(repeating: piece, count: (1 << 18) / piece.utf8.count)
        _ = verdict(text)
        let rule = Self.table("drop", ["tcp dport { " + text + " } accept"])
        _ = verdict(rule)
    }
}
