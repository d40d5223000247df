// What `init` says about the firewall.
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

enum FirewallWord {
    static func say(port: UInt16) {
        let wanted = WantedPort(port, .tcpAndUDP, at: nil, own: OwnAddresses.current())
        switch FirewallAdvice(FirewallLook.sighting(), wanted) {
        case .unknown(let commands):
            Report.note(
                "this machine's firewall, if it has one, could not be looked at",
                help: lines(
                    ["open port \(port), \(wanted.transportWords)"] + (commands.isEmpty ? usual(port) : commands)))
        case .open:
            Report.done("no firewall rule was found on this machine that keeps it shut")
        case .closed(let by, let shut, let commands):
            Report.notDone("\(by) \(seem(by)) to keep \(shut) shut; to open it:", help: lines(commands))
        case .notUnderstood(let by):
            Report.note(
                "the rules of \(by) could not be understood",
                help: "look yourself: port \(port) must be open for \(wanted.transportWords)")
        }
    }

    /// One of them seems to, several seem to.
    static func seem(_ names: String) -> String { names.contains(" and ") ? "seem" : "seems" }

    /// Where nobody knows which firewall it is.
    private static func usual(_ port: UInt16) -> [String] {
        [
            "ufw: sudo ufw allow \(port)",
            "firewalld: sudo firewall-cmd --permanent --add-port=\(port)/tcp --add-port=\(port)/udp; then --reload",
            "iptables: sudo iptables -I INPUT -p tcp --dport \(port) -j ACCEPT, and the same with -p udp",
        ]
    }

    private static func lines(_ cures: [String]) -> String { cures.joined(separator: "\n  → ") }
}
