// What `init` says about the firewall.
internal import SSCommandLine
internal import SSServerCore

enum FirewallWord {
    static func say(port: UInt16) {
        switch FirewallAdvice(FirewallLook.sighting(), port: port) {
        case .unknown:
            Report.note(
                "this machine's firewall, if it has one, could not be looked at", help: "open port \(port), TCP and UDP"
            )
        case .open:
            Report.done("no firewall rule was found on this machine that keeps it shut")
        case .closed(let by, let commands):
            Report.notDone("\(by) seems to keep it shut; to open it:", help: commands.joined(separator: "\n  → "))
        }
    }
}
