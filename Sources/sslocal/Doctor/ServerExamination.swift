// One Shadowsocks server, leg by leg: its name, a connection, whether it understands us, whether it gets to a target, UDP, the
// clocks. What depends on a broken leg is not tried.
//
// A server that does not understand us falls silent, as it does with strangers, and so does one whose target is silent. They
// are told apart by a second stream, to a target that no server can reach: who understands that ends it at once.
internal import NIOCore
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct ServerExamination: Sendable {
    let entry: ServerEntry
    let means: ProbeMeans
    /// What to ask for over TCP, how, and whom over UDP.
    let target: TargetAddress
    let question: CheckQuestion
    let datagramTarget: TargetAddress

    private var method: CipherMethod { entry.credential.method }
    private var address: TargetAddress { entry.configuration.address }

    /// Tells `say` of each leg, in order.
    func run(_ say: (Finding) -> Void) async {
        let name = await name()
        say(name.finding)
        guard let addresses = name.addresses else {
            return skip(["tcp", "handshake", "relay", "udp", "clock"], say)
        }
        guard let handshake = await handshake(Endpoint(addresses[0], address.port), say) else { return }
        for finding in handshake.findings { say(finding) }
        guard handshake.isAccepted else {
            skip(["udp"], say)
            return say(handshake.clock ?? Finding("clock", .skipped, "not compared, for want of an answer"))
        }
        if entry.configuration.mode.hasUDP {
            say(await datagrams(Endpoint(addresses[0], address.port)))
        } else {
            say(Finding("udp", .skipped, "the configuration says tcp_only"))
        }
        say(handshake.clock ?? clock(handshake.answer))
    }

    /// Nil if there is no connection.
    private func handshake(_ endpoint: Endpoint, _ say: (Finding) -> Void) async -> Handshake.Result? {
        guard entry.configuration.mode.hasTCP else {
            for leg in ["tcp", "relay"] { say(Finding(leg, .skipped, "the configuration says udp_only")) }
            return await Handshake(self, endpoint, connectionTime: .seconds(1)).examineDatagrams()
        }
        let connection = await connect()
        say(connection.finding)
        guard let time = connection.time else {
            skip(["handshake", "relay", "udp", "clock"], say)
            return nil
        }
        return await Handshake(self, endpoint, connectionTime: time).examine()
    }

    private func skip(_ legs: [String], _ say: (Finding) -> Void) {
        for leg in legs { say(Finding(leg, .skipped, "not tried")) }
    }

    // MARK: Name

    private func name() async -> (addresses: [IPAddress]?, finding: Finding) {
        do throws(DialError) {
            let found = try await means.addresses(of: address.host)
            return (found.list, finding(found.list, found.time))
        } catch {
            let text = error == .nameNotFound ? "has no address" : "could not be looked up: \(error.sentence)"
            let cure = [
                "is this machine on a network, and is the name spelt right?",
                "the server's address instead of its name needs no name server",
            ]
            return (nil, Finding("name", .broken, "\(shownHost) \(text)", cure: cure))
        }
    }

    private func finding(_ addresses: [IPAddress], _ time: Duration) -> Finding {
        guard case .name = address.host else { return Finding("name", .ok, "none, it is an address") }
        let list = addresses.prefix(4).map { "\($0)" }.joined(separator: ", ") + (addresses.count > 4 ? ", …" : "")
        let text = "\(shownHost) is \(list)"
        guard addresses.contains(where: NearAddress.contains) else {
            return Finding("name", .ok, text, time: time)
        }
        return Finding(
            "name", .note, text + ", which is not on the internet", time: time,
            cure: ["if the server is, the resolver lies: write its address instead of its name"])
    }

    private var shownHost: String { TerminalText.plain(HostPort(address.host).hostText) }

    // MARK: TCP

    private func connect() async -> (time: Duration?, finding: Finding) {
        do throws(DialError) {
            let time = try await means.connectionTime(address)
            return (time, Finding("tcp", .ok, "\(shownAddress) takes connections", time: time))
        } catch {
            return (nil, Finding("tcp", .broken, "\(shownAddress): \(error.sentence)", cure: cure(of: error)))
        }
    }

    private func cure(of error: DialError) -> [String] {
        switch error {
        case .refused:
            ["there: does ssserver run, and on this port? (ssserver status)", "here: is \"server_port\" right?"]
        case .timedOut:
            [
                "there: is TCP \(address.port) open in its firewall and at its provider? (ssserver doctor)",
                "if it worked before, the address may be blocked on the way: a second one helps (docs/servers.md)",
            ]
        case .unreachable:
            [
                OutwardAddress.current().isEmpty
                    ? "this machine is on no network: connect it"
                    : "this machine's network has no way there; an IPv6 address needs IPv6 here too"
            ]
        case .notAllowed: ["let sslocal out in this machine's firewall"]
        case .exhausted: ["close something; the limit is \"nofile\" or ulimit -n"]
        case .nameNotFound, .failed: []
        }
    }

    var shownAddress: String { TerminalText.plain("\(address)") }

    // MARK: UDP

    private func datagrams(_ server: Endpoint) async -> Finding {
        let shown = TerminalText.plain("\(datagramTarget)")
        if case .answered(_, let time) = await means.askName(of: datagramTarget, through: server, entry.credential) {
            return Finding("udp", .ok, "\(shown) answered", time: time)
        }
        if await UDPPort.isRefused(server, milliseconds: 1500) {
            return Finding(
                "udp", .broken, "the server says that its UDP port \(address.port) is closed",
                cure: ["there: \"mode\": \"tcp_and_udp\"; here: \"mode\": \"tcp_only\" if it is meant to be so"])
        }
        // The same over TCP, to see whether it is the target that does not answer.
        let query = ProbeMeans.nameQuestion
        let probe = StreamProbe(
            entry.credential, to: datagramTarget, asking: [UInt8(query.count >> 8), UInt8(query.count & 255)] + query,
            patience: .seconds(4))
        let isReachable: Bool
        if case .answered = await means.ask(probe, through: address) { isReachable = true } else { isReachable = false }
        return Finding(
            "udp", .broken, "no answer from \(shown) to three questions",
            cure: [
                isReachable ? nil : "over TCP it gives no answer either: try another, --udp-target HOST:53",
                "there: is UDP \(address.port) open in its firewall and at its provider, and \"mode\" tcp_and_udp?",
                "some networks let no UDP through; web pages work without it",
                "or a limit of yours is reached there: quota, rate, last day (ssserver users)",
            ].compactMap(\.self))
    }

    // MARK: Clock

    private func clock(_ answer: StreamAnswer) -> Finding {
        guard case .answered(let bytes, _, let difference) = answer else {
            return Finding("clock", .skipped, "not compared, for want of an answer")
        }
        if let difference {
            let text =
                difference.magnitude < 2
                ? "the server's agrees with this machine's"
                : "the server's differs by \(ClockSearch.span(difference)); 30 s are allowed"
            guard difference.magnitude > 15 else { return disciplined(text) }
            return Finding("clock", .note, text, cure: ClockCure.both)
        }
        guard let date = ProbedAnswer(bytes).date else { return disciplined("\(method.rawValue) works with any clock") }
        let skew = date - Int64(clamping: WallClock.now())
        let shown = TerminalText.plain("\(target)")
        guard skew.magnitude > 60 else { return disciplined("\(method.rawValue) works with any clock") }
        let text = "\(shown)'s differs by \(ClockSearch.span(skew)); \(method.rawValue) works with any clock"
        return Finding("clock", .note, text, cure: ["web pages want a right clock: \(ClockCure.command)"])
    }

    private func disciplined(_ text: String) -> Finding {
        guard ClockDiscipline.isSynchronised == false else { return Finding("clock", .ok, text) }
        return Finding(
            "clock", .note, text + "; nothing keeps this machine's right", cure: [ClockCure.command])
    }
}

/// What to do about clocks.
enum ClockCure {
    #if os(Linux)
        static let command = "sudo timedatectl set-ntp true"
    #else
        static let command = "set the time by NTP in the system's settings"
    #endif

    /// Where either may be wrong.
    static var both: [String] {
        switch ClockDiscipline.isSynchronised {
        case true: ["this machine's is kept by NTP; there: sudo timedatectl set-ntp true"]
        case false: ["nothing keeps this machine's right: \(command)", "and there too"]
        case nil: ["set both by NTP: \(command)"]
        }
    }
}

/// Addresses that lead nowhere on the internet: this machine, private networks, none.
private enum NearAddress {
    private static let ranges = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "::/127", "fc00::/7", "fe80::/10",
    ].compactMap { IPPrefix($0) }

    static func contains(_ address: IPAddress) -> Bool { ranges.contains { $0.contains(address) } }
}
