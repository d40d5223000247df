// What `init` says about the firewall.
internal import SSCommandLine
internal import SSServerCore

enum FirewallWord {
    static func say(port: UInt16) {
        let provider = "a provider's own firewall (\"security group\") has to let TCP and UDP \(port) in too"
        switch FirewallAdvice(FirewallLook.sighting(), port: port) {
        case .unknown:
            Report.note(
                "no firewall of this machine could be looked at",
                help: "if there is one, open TCP and UDP \(port); \(provider)")
        case .open:
            Report.done("no firewall rule was found on this machine that keeps port \(port) shut; \(provider)")
        case .closed(let by, let commands):
            Report.notDone(
                "\(by) seems to keep port \(port) shut; to open it:", help: commands.joined(separator: "\n  → "))
            Report.note(provider)
        }
    }
}
