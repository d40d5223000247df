// What `iptables -S` says about port 21001: tables of rules, and lists that no kernel printed.
import SSCommon
import SSServerCore
import Testing

@Suite("What iptables does to a port")
struct IPTablesTests {
    private func verdict(_ rules: String, _ mode: RelayMode = .tcpAndUDP, v6: Bool = false) -> Verdict {
        var sighting = FirewallSighting()
        sighting.iptables = v6 ? nil : rules
        sighting.ip6tables = v6 ? rules : nil
        return Verdict(FirewallAdvice(sighting, wanted(mode, at: v6 ? "2a00::1" : "0.0.0.0")))
    }

    private static let ports = "-p tcp -m multiport --dports"

    @Test(
        "A rule that opens, under a policy that drops",
        arguments: [
            ("-j ACCEPT", .open), ("-p all -j ACCEPT", .open), ("-p tcp -j ACCEPT", .open), ("-p 6 -j ACCEPT", .open),
            ("-p udp -j ACCEPT", .shut), ("-p 17 -j ACCEPT", .shut), ("-p icmp -j ACCEPT", .shut), ("", .shut),
            ("! -p udp -j ACCEPT", .open), ("! -p tcp -j ACCEPT", .shut),
            ("-p tcp -m tcp --dport 21001 -j ACCEPT", .open), ("-p tcp -m tcp --dport 2100 -j ACCEPT", .shut),
            ("-p tcp -m tcp --dport 21000:21010 -j ACCEPT", .open),
            ("-p tcp -m tcp --dport 21002:21010 -j ACCEPT", .shut),
            ("-p tcp -m tcp ! --dport 21001 -j ACCEPT", .shut), ("-p tcp -m tcp ! --dport 22 -j ACCEPT", .open),
            ("-p tcp -m tcp --dport ssh -j ACCEPT", .unclear), ("-p tcp -m tcp --sport 53 -j ACCEPT", .unclear),
            ("-p tcp -m tcp --sport 1024:65535 --dport 21001 -j ACCEPT", .open),
            ("\(ports) 22,21001 -j ACCEPT", .open), ("\(ports) 22,443 -j ACCEPT", .shut),
            ("\(ports) 22,21000:21005 -j ACCEPT", .open), ("-p tcp -m multiport ! --dports 22,80 -j ACCEPT", .open),
            ("-p tcp -m multiport ! --dports 22,21001 -j ACCEPT", .shut), ("\(ports) 22,http -j ACCEPT", .unclear),
            ("-p tcp -m multiport --ports 22 -j ACCEPT", .unclear),
            ("-i lo -j ACCEPT", .shut), ("! -i lo -j ACCEPT", .open), ("-i eth0 -j ACCEPT", .unclear),
            ("-s 0.0.0.0/0 -j ACCEPT", .open), ("-s 192.168.0.0/16 -j ACCEPT", .shut),
            ("-s 1.2.3.4/32 -j ACCEPT", .shut),
            ("! -s 1.2.3.4/32 -j ACCEPT", .open), ("-s 128.0.0.0/1 -j ACCEPT", .unclear),
            ("-s 0.0.0.1/0.0.0.1 -j ACCEPT", .unclear), ("-d 224.0.0.251/32 -j ACCEPT", .shut),
            ("-d 10.0.0.5/32 -j ACCEPT", .unclear), ("-d 127.0.0.0/8 -j ACCEPT", .shut),
            ("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", .shut),
            ("-m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", .open), ("-m state --state NEW -j ACCEPT", .open),
            ("-m conntrack ! --ctstate INVALID -j ACCEPT", .open), ("-m conntrack --ctstate DNAT -j ACCEPT", .shut),
            ("-m state --state UNTRACKED -j ACCEPT", .shut), ("-m conntrack --ctstatus ASSURED -j ACCEPT", .unclear),
            ("-p tcp -m comment --comment \"a \\\"b\\\" -j DROP\" -j ACCEPT", .open),
            ("-m comment --comment ssh -p tcp -m tcp --dport 21001 -j ACCEPT", .open),
            ("-m set --match-set friends src -j ACCEPT", .unclear), ("-m set --match-set friends src -j DROP", .shut),
            ("-m limit --limit 3/min -j ACCEPT", .unclear), ("-m string --string \"-j\" --algo bm -j ACCEPT", .unclear),
            ("-p tcp -m set --match-set f src -m tcp --dport 22 -j ACCEPT", .shut),
            ("-m addrtype --dst-type LOCAL -j ACCEPT", .open), ("-m addrtype --dst-type BROADCAST -j ACCEPT", .shut),
            ("-m pkttype --pkt-type multicast -j ACCEPT", .shut), ("-f -j ACCEPT", .shut), ("! -f -j ACCEPT", .open),
            ("-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT", .open),
            ("-p tcp -m tcp --tcp-flags SYN,FIN SYN,FIN -j ACCEPT", .shut),
            ("-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE -j ACCEPT", .shut),
            ("-p tcp -m tcp --tcp-flags FIN,ACK NONE -j ACCEPT", .open),
            ("-j LOG --log-prefix \"in -j ACCEPT\"", .shut), ("-j NFQUEUE --queue-num 0", .unclear),
            ("-j DROP", .shut), ("-j RETURN", .shut), ("-g nowhere", .unclear), ("-j", .unclear),
        ] as [(String, Verdict)])
    func opening(rule: String, expected: Verdict) {
        #expect(verdict("-P INPUT DROP\n-A INPUT \(rule)\n", .tcpOnly) == expected)
    }

    @Test(
        "A rule that shuts, under a policy that accepts",
        arguments: [
            ("-p tcp -m tcp --dport 21001 -j DROP", .shut), ("-p tcp -m tcp --dport 21001 -j REJECT", .shut),
            ("-p tcp -m tcp --dport 22 -j DROP", .open), ("-p udp -m udp --dport 21001 -j DROP", .open),
            ("-j REJECT --reject-with icmp-host-prohibited", .shut), ("-s 1.2.3.4/32 -j DROP", .open),
            ("-m conntrack --ctstate INVALID -j DROP", .open), ("-m recent --update --seconds 60 -j DROP", .unclear),
            ("-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j DROP", .open),
            ("-p tcp -j f2b", .unclear), ("-p udp -j f2b", .open), ("-m rt --rt-type 0 -j DROP", .open), ("", .open),
        ] as [(String, Verdict)])
    func shutting(rule: String, expected: Verdict) {
        #expect(verdict("-P INPUT ACCEPT\n-A INPUT \(rule)\n", .tcpOnly) == expected)
    }

    @Test(
        "Rules are taken in order, and chains followed and left again",
        arguments: [
            (["-A INPUT -p tcp -m tcp --dport 21001 -j DROP", "-A INPUT -j ACCEPT"], .shut),
            (["-A INPUT -j ACCEPT", "-A INPUT -p tcp -m tcp --dport 21001 -j DROP"], .open),
            (["-N a", "-A INPUT -j a", "-A a -j DROP", "-A INPUT -j ACCEPT"], .shut),
            (["-N a", "-A INPUT -j a", "-A a -j RETURN", "-A a -j DROP", "-A INPUT -j ACCEPT"], .open),
            (["-N a", "-A INPUT -j a", "-A a -s 1.2.3.4/32 -j DROP", "-A INPUT -j ACCEPT"], .open),
            // Who goes to a chain does not come back.
            (["-N a", "-A INPUT -g a", "-A INPUT -j ACCEPT"], .shut),
            (
                [
                    "-N a", "-N b", "-A INPUT -j a", "-A a -g b", "-A a -j DROP", "-A b -p icmp -j DROP",
                    "-A INPUT -j ACCEPT",
                ], .open
            ),
            // Either way comes to the same.
            (["-A INPUT -i eth0 -j DROP"], .shut), (["-A INPUT -i eth0 -j ACCEPT", "-A INPUT -j ACCEPT"], .open),
            (["-A INPUT -i eth0 -j ACCEPT", "-A INPUT -j REJECT"], .unclear),
            (["-N a", "-A INPUT -i eth0 -j a", "-A a -j LOG", "-A INPUT -j ACCEPT"], .open),
            (
                ["-N a", "-A INPUT -j a", "-A a -m limit --limit 1/s -j RETURN", "-A a -j DROP", "-A INPUT -j ACCEPT"],
                .unclear
            ),
        ] as [([String], Verdict)])
    func order(rules: [String], expected: Verdict) {
        let list = "-P INPUT DROP\n" + rules.joined(separator: "\n")
        #expect(verdict(list, .tcpOnly) == expected)
    }

    @Test("A server of streams needs nothing but TCP, one of both needs both")
    func modes() {
        let tcp = "-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 21001 -j ACCEPT\n"
        #expect(verdict(tcp, .tcpOnly) == .open)
        #expect(verdict(tcp, .udpOnly) == .shut)
        #expect(verdict(tcp) == .shut)
        #expect(verdict(tcp + "-A INPUT -p udp -m multiport --dports 53,21001 -j ACCEPT\n") == .open)
    }

    @Test(
        "ip6tables is read alike",
        arguments: [
            ("-s ::/0 -j ACCEPT", .open), ("-s fe80::/10 -j ACCEPT", .shut), ("-p ipv6-icmp -j ACCEPT", .shut),
            ("-d ff02::fb/128 -j ACCEPT", .shut), ("-d 2a00::1/128 -j ACCEPT", .unclear),
            ("-s 2000::/3 -j ACCEPT", .unclear), ("-m rt --rt-type 0 -j ACCEPT", .shut),
            ("-m hl --hl-eq 255 -j ACCEPT", .unclear),
        ] as [(String, Verdict)])
    func v6(rule: String, expected: Verdict) {
        #expect(verdict("-P INPUT DROP\n-A INPUT \(rule)\n", v6: true) == expected)
    }

    // MARK: What no kernel printed

    @Test("Chains that lead round and round, or very deep, come to an end")
    func loops() {
        let loop = "-P INPUT DROP\n-N a\n-N b\n-A INPUT -j a\n-A a -j b\n-A b -j a\n-A b -j ACCEPT\n"
        #expect(verdict(loop) == .unclear)
        #expect(verdict("-P INPUT DROP\n-A INPUT -j INPUT\n") == .unclear)
        let deep = (0..<5000).map { "-A c\($0) -j c\($0 + 1)\n-A c\($0) -j c\($0 + 1)" }
        #expect(verdict("-P INPUT DROP\n-A INPUT -j c0\n" + deep.joined(separator: "\n")) == .unclear)
        // Each doubles the ways.
        let wide = (0..<60).map { "-A c\($0) -i eth0 -j c\($0 + 1)\n-A c\($0) -j c\($0 + 1)" }
        let list = "-P INPUT ACCEPT\n-N c60\n-A INPUT -j c0\n" + wide.joined(separator: "\n")
        #expect(verdict(list) == .open)
    }

    @Test(
        "Odd lines are no trap",
        arguments: [
            "", "\n\n", "-A", "-P", "-P INPUT", "-A INPUT", "-A INPUT -j", "-A INPUT !", "-A INPUT ! ! -p tcp",
            "-A INPUT -p",
            "-A INPUT --dports", "-A INPUT --dport 9:1 -j DROP", "-A INPUT --dport 1:2:3", "-A INPUT -m", "-N", "\"",
            "-A INPUT --comment \"", "-A INPUT \"-j\" DROP", "-A INPUT --tcp-flags", "-P INPUT DROP\0",
        ])
    func oddities(list: String) {
        _ = verdict(list)
        _ = verdict("-P INPUT DROP\n" + list + "\n")
    }

    @Test("A list that breaks off anywhere is no trap")
    func cutOff() {
        let text = Array(UFWListing.iptables.utf8.suffix(2000))
        for count in stride(from: 0, through: text.count, by: 3) {
            _ = verdict("-P INPUT DROP\n" + String(decoding: text.prefix(count), as: UTF8.self))
        }
    }

    @Test(
        "A quarter of a megabyte of junk is read in a moment", .timeLimit(.minutes(1)),
        arguments: ["\"", "! ", "-A INPUT -m x\n", "-A INPUT -j INPUT\n", "x", "-P INPUT DROP\n", ",", "\n"])
    func junk(piece: String) {
        let text = String(repeating: piece, count: (1 << 18) / piece.utf8.count)
        _ = verdict(text)
        let rule = "-P INPUT DROP\n-A INPUT -p tcp --dports " + text
        _ = verdict(rule)
    }
}
