// The laptop's own ports: whether sslocal listens there, and whether the whole way through it works.
internal import NIOCore
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct ProxyExamination: Sendable {
    /// A running sslocal.
    struct Running: Sendable {
        let shown: String
        /// Where it listens, as the configuration says it.
        let listeners: Set<String>
    }

    let listener: LocalListener
    let means: ProbeMeans
    /// What to ask for through the proxy.
    let target: TargetAddress
    /// What a running sslocal says of itself; nil if none answers.
    let running: Running?

    private static let patience = TimeAmount.seconds(3)
    private static let targetPatience = TimeAmount.seconds(10)

    func run(_ say: (Finding) -> Void) async {
        guard listener.mode.hasTCP else {
            return say(Finding("port", .skipped, "\(shown) takes UDP only, which shows nothing"))
        }
        let port = await port()
        say(port)
        guard port.verdict != .broken else { return say(Finding("proxy", .skipped, "not tried")) }
        guard let request else {
            return say(Finding("proxy", .skipped, "what is asked for here takes a proxy and a target that speak HTTP"))
        }
        say(await through(request))
    }

    private var shown: String { TerminalText.plain("\(listener.address)") }

    /// The listener from this machine: who listens everywhere is asked at the loopback address.
    private var address: TargetAddress {
        guard case .ip(let ip) = listener.address.host else { return listener.address }
        switch ip {
        case .v4(IPv4Address(0)): return TargetAddress(.ip(.v4(IPv4Address(127, 0, 0, 1))), port: listener.address.port)
        case .v6(IPv6Address(high: 0, low: 0)):
            return TargetAddress(.ip(.v6(IPv6Address(high: 0, low: 1))), port: listener.address.port)
        case .v4, .v6: return listener.address
        }
    }

    // MARK: The port

    private func port() async -> Finding {
        let time: Duration
        do throws(DialError) {
            time = try await means.connectionTime(address)
        } catch {
            return error == .refused
                ? notRunning : Finding("port", .broken, "\(shown): \(error.sentence)", cure: [Self.look])
        }
        if let running, !running.listeners.contains("\(listener.address)") {
            return Finding(
                "port", .broken, "another program has \(shown); \(running.shown), elsewhere",
                cure: ["start sslocal again with this configuration; sudo ss -lnp shows who listens where"])
        }
        guard let greeting else { return finding("is open", time) }
        guard
            case .answered(let bytes, let time, _) = await means.babble(greeting, to: address, patience: Self.patience),
            isProxy(bytes)
        else {
            return Finding(
                "port", .broken, "another program has \(shown)",
                cure: ["stop it (sudo ss -lnp shows which), or give sslocal another \"local_port\""])
        }
        return finding(listener.service == .http ? "speaks HTTP" : "speaks SOCKS5", time)
    }

    private static let look = "sudo ss -lnp shows who listens where"

    /// Any program may speak so; ours is known by its admin socket.
    private func finding(_ text: String, _ time: Duration) -> Finding {
        if let running { return Finding("port", .ok, "\(shown) \(text) (\(running.shown))", time: time) }
        return Finding(
            "port", .note, "something at \(shown) \(text); whether it is sslocal cannot be seen", time: time,
            cure: ["if sslocal runs as another user, run this as that user; \(Self.look)"])
    }

    private var notRunning: Finding {
        guard let running else {
            return Finding(
                "port", .broken, "sslocal does not run: nobody listens at \(shown)", cure: ["start it: sslocal"])
        }
        return Finding(
            "port", .broken, "\(running.shown), and not at \(shown)",
            cure: ["it runs with another configuration: start it again, or name that one with -c"])
    }

    /// Something to which only a proxy gives a sensible answer; nil where nothing does.
    private var greeting: [UInt8]? {
        switch listener.service {
        // RFC 1928 3: no authentication, or a name and a password.
        case .mixed, .socks: [5, 2, 0, 2]
        case .http: Array("OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        case .tunnel: nil
        }
    }

    private func isProxy(_ bytes: [UInt8]) -> Bool {
        switch listener.service {
        case .mixed, .socks: bytes.first == 5
        case .http: ProbedAnswer(bytes).httpStatus != nil
        case .tunnel: true
        }
    }

    // MARK: The whole way

    /// A request to the proxy (RFC 9112 3.2.2); nil where it takes none, or the target speaks no HTTP.
    private var request: [UInt8]? {
        switch listener.service {
        case .mixed, .http: break
        case .socks, .tunnel: return nil
        }
        guard target.port != 443, target.port != 22 else { return nil }
        let authority = target.port == 80 ? HostPort(target.host).hostText : "\(target)"
        var head = "HEAD http://\(authority)/ HTTP/1.1\r\nHost: \(authority)\r\nConnection: close\r\n"
        if let user = listener.users.first {
            let credentials = Base64.encode(Array("\(user.name):\(user.password)".utf8))
            head += "Proxy-Authorization: Basic \(credentials)\r\n"
        }
        return Array((head + "\r\n").utf8)
    }

    private func through(_ request: [UInt8]) async -> Finding {
        let shownTarget = TerminalText.plain("\(target)")
        switch await means.babble(request, to: address, patience: Self.targetPatience) {
        case .answered(let bytes, let time, _):
            let answer = ProbedAnswer(bytes)
            guard let status = answer.httpStatus else { break }
            // A target's own refusal is as good as any answer.
            guard !answer.isProxyRefusal else {
                return Finding(
                    "proxy", .broken, "\(shownTarget) cannot be had through it (its HTTP \(status))", time: time,
                    cure: ["the servers below say where it ends"])
            }
            return Finding("proxy", .ok, "\(shownTarget) answered through it: HTTP \(status)", time: time)
        case .closed, .silent, .refused, .notConnected: break
        }
        return Finding(
            "proxy", .broken, "\(shownTarget) does not answer through it in 10 s",
            cure: ["the servers below say where it ends"])
    }
}
