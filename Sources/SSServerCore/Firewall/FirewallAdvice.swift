// Whether a firewall of this machine seems to keep a port shut, and the command that opens it. From what the firewalls' own
// tools print; nothing here runs or changes anything, and a chain that jumps elsewhere is not followed.

/// What was found on the machine.
package struct FirewallSighting: Hashable, Sendable {
    /// ufw is there and enabled.
    package var hasUFW = false
    /// firewalld is there and runs.
    package var hasFirewalld = false
    /// What `nft list ruleset` printed; nil if it was not to be had.
    package var nftables: String?
    /// What `iptables -S INPUT` printed; nil if it was not to be had.
    package var iptables: String?

    package init() {}
}

package enum FirewallAdvice: Hashable, Sendable {
    /// Nothing could be looked at.
    case unknown
    /// What was looked at refuses nothing, or lets this port in.
    case open
    /// Refused, unless somebody runs these commands, in order.
    case closed(by: String, commands: [String])

    package init(_ sighting: FirewallSighting, port: UInt16) {
        if sighting.hasUFW {
            self = .closed(by: "ufw", commands: ["sudo ufw allow \(port)"])
        } else if sighting.hasFirewalld {
            self = .closed(
                by: "firewalld",
                commands: [
                    "sudo firewall-cmd --permanent --add-port=\(port)/tcp --add-port=\(port)/udp",
                    "sudo firewall-cmd --reload",
                ])
        } else if let rules = sighting.iptables, Self.iptablesRefuses(rules, port) {
            self = .closed(
                by: "iptables",
                commands: ["tcp", "udp"].map { "sudo iptables -I INPUT -p \($0) --dport \(port) -j ACCEPT" })
        } else if let rules = sighting.nftables, let chain = NFTChain.refusing(rules, port: port) {
            let rule = "insert rule \(chain.place) meta l4proto { tcp, udp } th dport \(port) accept"
            self = .closed(by: "nftables (\(chain.place))", commands: ["sudo nft '\(rule)'"])
        } else {
            self = sighting.nftables == nil && sighting.iptables == nil ? .unknown : .open
        }
    }

    private static func iptablesRefuses(_ rules: String, _ port: UInt16) -> Bool {
        let lines = rules.split(separator: "\n").map { $0.split(separator: " ") }
        let refuses = lines.contains { words in
            words.starts(with: ["-P", "INPUT"]) && words.last != "ACCEPT"
                || words.starts(with: ["-A", "INPUT", "-j", "DROP"])
                || words.starts(with: ["-A", "INPUT", "-j", "REJECT"])
        }
        guard refuses else { return false }
        let opens = { (transport: Substring) in
            lines.contains { words in
                words.contains("ACCEPT") && words.contains(transport) && words.starts(with: ["-A", "INPUT"])
                    && zip(words, words.dropFirst()).contains { $0 == "--dport" && $1 == "\(port)" }
            }
        }
        return !(opens("tcp") && opens("udp"))
    }
}

/// A chain that sees what comes in.
private struct NFTChain {
    /// Family, table and chain.
    var place: String
    var isInput = false
    var refuses = false
    /// Transports for which the port is accepted.
    var opened: Set<Substring> = []

    /// The first chain that refuses what it does not know, and does not know the port.
    static func refusing(_ ruleset: String, port: UInt16) -> NFTChain? {
        var table = ""
        var chain: NFTChain?
        for line in ruleset.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            switch words.first {
            case "table" where words.count > 2:
                table = "\(words[1]) \(words[2])"
            case "chain" where words.count > 1:
                chain = NFTChain(place: "\(table) \(words[1])")
            case "}":
                if let chain, chain.isInput, chain.refuses, chain.opened.count < 2 { return chain }
                chain = nil
            default:
                chain?.add(words, port)
            }
        }
        return nil
    }

    private mutating func add(_ words: [Substring], _ port: UInt16) {
        if words.first == "type" {
            isInput = words.contains("input") && words.contains("filter")
            refuses = words.contains("drop;")
            return
        }
        // A verdict that nothing stands before but counters.
        let verdict = words.first == "counter" ? words.dropFirst(5).first : words.first
        if verdict == "drop" || verdict == "reject" { refuses = true }
        guard words.contains("accept"), words.contains("dport") else { return }
        let numbers = words.map { $0.trimmingPrefix("{").split(separator: ",").first ?? "" }
        guard numbers.contains("\(port)") else { return }
        opened.formUnion(words.contains("th") ? ["tcp", "udp"] : words.filter { $0 == "tcp" || $0 == "udp" })
    }
}
