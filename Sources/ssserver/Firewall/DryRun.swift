// Bans that are only spoken of, for trying out rules on a machine that must not be shut out of. They are remembered as a
// firewall would, but for their time.
internal import SSServerCore

struct DryRun: FirewallBackend {
    let name: String
    /// Takes one line, without its end.
    private let say: @Sendable (String) -> Void
    private var bans: [BanPrefix: UInt32?] = [:]

    /// - Parameter name: that of the firewall for which it stands.
    init(name: String = "dry-run", say: @escaping @Sendable (String) -> Void) {
        self.name = name
        self.say = say
    }

    func prepare() {}

    mutating func apply(_ changes: FirewallChanges) {
        for prefix in changes.unbans where bans.removeValue(forKey: prefix) != nil { say("would unban \(prefix)") }
        for ban in changes.bans {
            bans[ban.prefix] = .some(nil)
            say("would ban \(ban.prefix) for \(ban.seconds) s")
        }
    }

    func contents() -> FirewallContents { FirewallContents(bans: bans) }

    mutating func remove() { bans = [:] }
}
