// Who keeps a port shut, and with which commands it opens: families, transports, and the programs that keep rules.
import SSCommon
import SSServerCore
import Testing

/// What a rule set does to port 21001.
enum Verdict: Equatable {
    case open, shut, unclear, unknown

    init(_ advice: FirewallAdvice) {
        switch advice {
        case .open: self = .open
        case .closed: self = .shut
        case .notUnderstood: self = .unclear
        case .unknown: self = .unknown
        }
    }
}

func wanted(_ mode: RelayMode = .tcpAndUDP, at address: String = "::", own: [String] = []) -> WantedPort {
    WantedPort(21001, mode, at: IPAddress(address), own: Set(own.compactMap { IPAddress($0) }))
}

@Suite("What is said about the firewall")
struct FirewallAdviceTests {
    private static let letsIn = "-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n"
    private static let drops = "-P INPUT DROP\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n"

    private func sighting(_ iptables: String?, _ ip6tables: String?, nftables: String? = nil) -> FirewallSighting {
        var sighting = FirewallSighting()
        (sighting.iptables, sighting.ip6tables, sighting.nftables) = (iptables, ip6tables, nftables)
        return sighting
    }

    @Test("Where nothing could be listed, nothing is claimed, but who is known to keep the rules is named")
    func unknown() {
        var sighting = FirewallSighting()
        #expect(FirewallAdvice(sighting, wanted()) == .unknown(commands: []))
        sighting.hasFirewalld = true
        let commands = ["sudo firewall-cmd --permanent --add-port=21001/udp", "sudo firewall-cmd --reload"]
        #expect(FirewallAdvice(sighting, wanted(.udpOnly)) == .unknown(commands: commands))
        sighting.hasUFW = true
        #expect(FirewallAdvice(sighting, wanted()) == .unknown(commands: ["sudo ufw allow 21001"]))
    }

    @Test("A family whose rules could not be listed is unknown, unless the port is not reached over it")
    func halfSeen() {
        let seen = sighting(Self.letsIn, nil)
        #expect(FirewallAdvice(seen, wanted()) == .unknown(commands: []))
        #expect(FirewallAdvice(seen, wanted(at: "0.0.0.0")) == .open)
        #expect(FirewallAdvice(sighting(nil, nil, nftables: ""), wanted()) == .open)
    }

    @Test(
        "Only the families over which the port is reached are asked",
        arguments: [
            ("::", [], "the port"), ("::", ["10.0.0.2", "fe80::1", "::1"], nil), ("0.0.0.0", ["2a00::1"], nil),
            ("::", ["10.0.0.2", "2a00::1"], "TCP and UDP over IPv6"), ("::", ["2a00::1"], "the port"),
            ("2a00::1", [], "the port"), ("::ffff:1.2.3.4", [], nil), ("name", ["127.0.0.1", "10.0.0.2"], nil),
        ] as [(String, [String], String?)])
    func families(address: String, own: [String], shut: String?) {
        let rules = sighting(
            shut == "the port" && own.isEmpty && address == "::" ? Self.drops : Self.letsIn, Self.drops)
        let advice = FirewallAdvice(rules, wanted(at: address, own: own))
        if let shut {
            guard case .closed(_, shut, _) = advice else { return #expect(Bool(false), "\(advice)") }
        } else {
            #expect(advice == .open)
        }
    }

    @Test("Commands are for what is shut, in the words of who shuts it")
    func commands() {
        let tcp = Self.drops + "-A INPUT -p tcp -m tcp --dport 21001 -j ACCEPT\n"
        let udp = Self.letsIn + "-A INPUT -p udp -m udp --dport 21001 -j DROP\n"
        #expect(
            FirewallAdvice(sighting(tcp, udp), wanted())
                == .closed(
                    by: "iptables and ip6tables", shut: "UDP",
                    commands: [
                        "sudo iptables -I INPUT -p udp --dport 21001 -j ACCEPT",
                        "sudo ip6tables -I INPUT -p udp --dport 21001 -j ACCEPT",
                    ]))
        #expect(FirewallAdvice(sighting(tcp, udp), wanted(.tcpOnly)) == .open)
        #expect(
            FirewallAdvice(sighting(Self.drops, udp), wanted())
                == .closed(
                    by: "iptables and ip6tables", shut: "TCP and UDP over IPv4 and UDP over IPv6",
                    commands: [
                        "sudo iptables -I INPUT -p tcp --dport 21001 -j ACCEPT",
                        "sudo iptables -I INPUT -p udp --dport 21001 -j ACCEPT",
                        "sudo ip6tables -I INPUT -p udp --dport 21001 -j ACCEPT",
                    ]))
        let table =
            "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}\n"
        let insert = "sudo nft 'insert rule inet filter input"
        #expect(
            FirewallAdvice(sighting(nil, nil, nftables: table), wanted())
                == .closed(
                    by: "nftables (inet filter input)", shut: "the port",
                    commands: ["\(insert) meta l4proto { tcp, udp } th dport 21001 accept'"]))
        #expect(
            FirewallAdvice(sighting(Self.letsIn, Self.letsIn, nftables: table), wanted(.tcpOnly))
                == .closed(
                    by: "nftables (inet filter input)", shut: "the port",
                    commands: ["\(insert) tcp dport 21001 accept'"]))
    }

    @Test("What is surely shut is said before what is not understood, and that before what was not seen")
    func order() {
        let odd = Self.drops + "-A INPUT -m geoip --source-country DE -j ACCEPT\n"
        #expect(FirewallAdvice(sighting(odd, nil), wanted()) == .notUnderstood(by: "iptables"))
        #expect(FirewallAdvice(sighting(odd, odd), wanted()) == .notUnderstood(by: "iptables and ip6tables"))
        #expect(Verdict(FirewallAdvice(sighting(odd, Self.drops), wanted())) == .shut)
    }

    // MARK: Programs that keep rules

    @Test("ufw is asked for what its rules keep out, and for nothing once they let it in")
    func ufw() {
        var sighting = sighting(UFWListing.iptables, UFWListing.ip6tables, nftables: "")
        sighting.hasUFW = true
        #expect(FirewallAdvice(sighting, wanted()) == .open)
        sighting.ip6tables = UFWListing.shut(UFWListing.ip6tables)
        let command = "sudo ufw allow 21001"
        #expect(
            FirewallAdvice(sighting, wanted())
                == .closed(by: "ufw", shut: "TCP and UDP over IPv6", commands: [command]))
        sighting.iptables = UFWListing.shut(UFWListing.iptables)
        #expect(FirewallAdvice(sighting, wanted()) == .closed(by: "ufw", shut: "the port", commands: [command]))
        #expect(
            FirewallAdvice(sighting, wanted(.tcpOnly))
                == .closed(by: "ufw", shut: "the port", commands: [command + "/tcp"]))
        sighting.iptables = UFWListing.lines(UFWListing.iptables) { !$0.hasSuffix("udp --dport 21001 -j ACCEPT") }
        #expect(FirewallAdvice(sighting, wanted(.tcpOnly, at: "0.0.0.0")) == .open)
        #expect(
            FirewallAdvice(sighting, wanted(at: "0.0.0.0"))
                == .closed(by: "ufw", shut: "UDP", commands: [command + "/udp"]))
    }

    @Test("ufw cannot open what a rule before its own keeps out, nor what nft keeps out")
    func besidesUFW() {
        let rule = "-A INPUT -p tcp -m tcp --dport 21001 -j DROP\n"
        var sighting = sighting(rule + UFWListing.iptables, UFWListing.ip6tables)
        sighting.hasUFW = true
        #expect(
            FirewallAdvice(sighting, wanted())
                == .closed(
                    by: "iptables", shut: "TCP over IPv4",
                    commands: ["sudo iptables -I INPUT -p tcp --dport 21001 -j ACCEPT"]))
        sighting.iptables = UFWListing.iptables
        sighting.nftables = """
            table ip own {
            	chain first {
            		type filter hook input priority -10; policy accept;
            		udp dport 21001 drop
            	}
            }
            """
        #expect(
            FirewallAdvice(sighting, wanted())
                == .closed(
                    by: "nftables (ip own first)", shut: "UDP over IPv4",
                    commands: ["sudo nft 'insert rule ip own first udp dport 21001 accept'"]))
    }

    @Test("firewalld is asked for what its zones keep out")
    func firewalld() {
        var sighting = sighting(Self.letsIn, Self.letsIn, nftables: FirewalldListing.nftables)
        #expect(FirewallAdvice(sighting, wanted(.tcpOnly)) == .open)
        let reload = "sudo firewall-cmd --reload"
        #expect(
            FirewallAdvice(sighting, wanted())
                == .closed(
                    by: "firewalld", shut: "UDP",
                    commands: ["sudo firewall-cmd --permanent --add-port=21001/udp", reload]))
        sighting.nftables = UFWListing.shut(FirewalldListing.nftables)
        #expect(
            FirewallAdvice(sighting, wanted())
                == .closed(
                    by: "firewalld", shut: "the port",
                    commands: ["sudo firewall-cmd --permanent --add-port=21001/tcp --add-port=21001/udp", reload]))
    }

    @Test("firewalld may keep its zones in iptables")
    func firewalldOfOld() {
        let rules = "-A INPUT -j INPUT_ZONES\n-A INPUT -j REJECT\n-A INPUT_ZONES -g IN_public\n"
        let port = "-A IN_public -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT\n"
        var sighting = sighting(Self.letsIn + rules + port, Self.letsIn)
        #expect(Verdict(FirewallAdvice(sighting, wanted(.tcpOnly))) == .shut)
        sighting.hasFirewalld = true
        let commands = ["sudo firewall-cmd --permanent --add-port=21001/tcp", "sudo firewall-cmd --reload"]
        #expect(
            FirewallAdvice(sighting, wanted(.tcpOnly))
                == .closed(by: "firewalld", shut: "TCP over IPv4", commands: commands))
        sighting.iptables?.replace("--dport 22 ", with: "--dport 21001 ")
        #expect(FirewallAdvice(sighting, wanted(.tcpOnly)) == .open)
    }

    @Test("What iptables keeps in nft's tables is judged by what iptables says, unless it is not the same")
    func sameRules() {
        let iptables = Self.drops + "-A INPUT -m recent --set -j LOG\n-A INPUT -p tcp -m tcp --dport 21001 -j ACCEPT\n"
        let nftables = { (policy: String, rule: String) in
            """
            # Warning: table ip filter is managed by iptables-nft, do not touch!
            table ip filter {
            	chain INPUT {
            		type filter hook input priority filter; policy \(policy);
            		xt match "recent" counter packets 0 bytes 0 xt target "LOG"
            		xt match "tcp" counter packets 0 bytes 0 accept\(rule)
            	}
            }
            """
        }
        let asked = wanted(.tcpOnly, at: "0.0.0.0")
        #expect(Verdict(FirewallAdvice(sighting(nil, nil, nftables: nftables("drop", "")), asked)) == .unclear)
        #expect(Verdict(FirewallAdvice(sighting(iptables, nil, nftables: nftables("drop", "")), asked)) == .open)
        let more = nftables("drop", "\n\t\tdrop")
        #expect(Verdict(FirewallAdvice(sighting(iptables, nil, nftables: more), asked)) == .unclear)
        // Rules of another iptables than the one that printed.
        #expect(Verdict(FirewallAdvice(sighting(Self.letsIn, nil, nftables: nftables("drop", "")), asked)) == .unclear)
    }
}
