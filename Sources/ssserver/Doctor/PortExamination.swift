// One port of the server: whether the running program listens there with the configured key, and whether this machine's
// firewall lets laptops in.
internal import NIOCore
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

struct PortExamination: Sendable {
    let endpoint: EndpointConfiguration
    let credential: Credential
    let means: ProbeMeans
    /// Where a running ssserver says that it listens; nil if none answers.
    let running: Set<String>?
    /// Whom to ask over UDP.
    let datagramTarget: TargetAddress
    let firewall: FirewallSighting

    private static let patience = TimeAmount.seconds(3)

    func run(_ say: (Finding) -> Void) async {
        guard let address = await address() else {
            return say(
                Finding("listening", .broken, "\(TerminalText.plain("\(endpoint.address)")): the name has no address"))
        }
        if endpoint.mode.hasTCP {
            let listening = await listening(address)
            say(listening)
            if listening.verdict != .broken { say(endpoint.hasUsers ? Self.keySkipped : await key(address)) }
        }
        if endpoint.mode.hasUDP {
            let canTry = isServed && !endpoint.hasUsers
            say(canTry ? await datagrams(address) : Finding("udp", .skipped, "not tried"))
        }
        say(firewallFinding)
    }

    /// The listener as this machine reaches it: who listens everywhere, at the loopback address.
    private func address() async -> Endpoint? {
        guard let first = try? await means.addresses(of: endpoint.address.host).list.first else { return nil }
        let port = endpoint.address.port
        switch first {
        case .v4(IPv4Address(0)), .v6(IPv6Address(high: 0, low: 0)):
            // A "::" listener takes IPv4 too, unless the machine has it otherwise; "0.0.0.0" takes nothing else.
            return Endpoint(.v4(IPv4Address(127, 0, 0, 1)), port)
        case .v4, .v6: return Endpoint(first, port)
        }
    }

    private func target(_ endpoint: Endpoint) -> TargetAddress {
        TargetAddress(.ip(endpoint.address), port: endpoint.port)
    }

    private func listening(_ address: Endpoint) async -> Finding {
        do throws(DialError) {
            let time = try await means.connectionTime(target(address))
            guard running != nil else {
                return Finding(
                    "listening", .note, "\(address) takes connections; whose it is cannot be seen", time: time)
            }
            guard isServed else {
                return Finding(
                    "listening", .broken, "another program has \(address); ssserver runs elsewhere",
                    cure: ["start ssserver again with this configuration", Self.look])
            }
            return Finding("listening", .ok, "\(address) takes connections", time: time)
        } catch {
            guard error == .refused else {
                return Finding(
                    "listening", .broken, "\(address) takes no connection: \(error.sentence)", cure: [Self.look])
            }
            return Finding(
                "listening", .broken, "nobody listens at \(address)",
                cure: [
                    running != nil
                        ? "ssserver runs with another configuration: start it again, or name that one with -c"
                        : "start it: ssserver"
                ])
        }
    }

    private var isServed: Bool { running?.contains("\(endpoint.address)") ?? false }

    /// Of a port that does not serve its own key.
    private static let keySkipped = Finding(
        "key", .skipped, "the port serves its users' keys alone; sslocal doctor with one of them shows whether it does")

    private static let look = "sudo ss -lnp shows who listens where"

    /// Who has the port's key gets a stream to nowhere ended at once; others are met with silence.
    private func key(_ address: Endpoint) async -> Finding {
        let began = ContinuousClock.now
        switch await means.askNowhere(through: target(address), credential, patience: Self.patience) {
        case .closed, .answered:
            let time = ContinuousClock.now - began
            return running == nil
                ? Finding(
                    "key", .note, "who listens there seems to understand the configured key and method", time: time)
                : Finding("key", .ok, "it understands the configured key and method", time: time)
        case .refused(.stale(let seconds)):
            return Finding("key", .broken, "its clock is off by \(ClockSearch.span(seconds))", cure: ["start it again"])
        case .silent, .refused, .notConnected:
            return Finding(
                "key", .broken, "who listens there does not understand the configured key and method",
                cure: ["if the configuration was changed: start ssserver again", Self.look])
        }
    }

    private func datagrams(_ address: Endpoint) async -> Finding {
        let shown = TerminalText.plain("\(datagramTarget)")
        if case .answered(_, let time) = await means.askName(of: datagramTarget, through: address, credential) {
            return Finding("udp", .ok, "\(shown) answered through it", time: time)
        }
        guard !(await UDPPort.isRefused(address, milliseconds: 500)) else {
            return Finding(
                "udp", .broken, "nobody takes datagrams at \(address)", cure: ["start ssserver again", Self.look])
        }
        return Finding(
            "udp", .broken, "\(shown) does not answer through it",
            cure: ["try another, --udp-target HOST:53", "does the provider let UDP out?"])
    }

    private var firewallFinding: Finding {
        let wanted = WantedPort(endpoint.address.port, endpoint.mode, at: listenAddress, own: OwnAddresses.current())
        switch FirewallAdvice(firewall, wanted) {
        case .unknown(let commands):
            return Finding(
                "firewall", .note, "this machine's, if it has one, could not be looked at",
                cure: ["run this as root, or open port \(wanted.number), \(wanted.transportWords)"] + commands)
        case .open: return Finding("firewall", .ok, "no rule was found on this machine that keeps the port shut")
        case .closed(let by, let shut, let commands):
            return Finding(
                "firewall", .broken, "\(by) \(FirewallWord.seem(by)) to keep \(shut) shut; to open it:",
                cure: commands)
        case .notUnderstood(let by):
            return Finding(
                "firewall", .note, "the rules of \(by) could not be understood",
                cure: ["look yourself: port \(wanted.number) must be open for \(wanted.transportWords)"])
        }
    }

    /// Nil for a name.
    private var listenAddress: IPAddress? {
        if case .ip(let address) = endpoint.address.host { address } else { nil }
    }
}
