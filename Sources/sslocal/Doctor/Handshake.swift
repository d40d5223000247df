// Whether a server understands us, and if it does not, why: another method, another clock, another key, or no Shadowsocks
// server at all.
internal import NIOCore
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct Handshake: Sendable {
    struct Result: Sendable {
        /// Of the legs "handshake" and "relay".
        var findings: [Finding]
        var isAccepted: Bool
        /// Of the leg "clock", if it is known already.
        var clock: Finding?
        var answer: StreamAnswer
    }

    private let server: ServerExamination
    /// Of its UDP side.
    private let endpoint: Endpoint
    /// For everything that a server that understands does at once.
    private let patience: TimeAmount

    /// How long a target may take to answer before it is looked who keeps silent, and if it is the target.
    private static let quickPatience = TimeAmount.milliseconds(2500)
    private static let targetPatience = TimeAmount.seconds(8)

    init(_ server: ServerExamination, _ endpoint: Endpoint, connectionTime: Duration) {
        self.server = server
        self.endpoint = endpoint
        patience = .milliseconds(1000) + TimeAmount(seconds: connectionTime) * 4
    }

    private var address: TargetAddress { server.entry.configuration.address }
    private var credential: Credential { server.entry.credential }
    private var target: String { TerminalText.plain("\(server.target)") }

    func examine() async -> Result {
        let answer = await askTarget(patience: Self.quickPatience)
        if let result = judged(answer) { return result }
        if server.entry.configuration.mode.hasUDP {
            if await isHeard((credential, 0), tries: 1) { return await notRelayed(answer, isProven: true) }
            if let found = await search() { return await misfit(found, answer) }
        }
        return await explain(answer)
    }

    /// Of a server that takes datagrams only: whether one is answered.
    func examineDatagrams() async -> Result {
        if await isHeard((credential, 0), tries: 2) {
            return Result(
                findings: [Finding("handshake", .ok, "the server understands key and method")], isAccepted: true,
                answer: .silent)
        }
        if let found = await search() { return await misfit(found, .silent) }
        return failed("no datagram is answered", cure: [compare] + limits, .silent)
    }

    /// Nil where it takes more to say what is the matter.
    private func judged(_ answer: StreamAnswer) -> Result? {
        switch answer {
        case .answered(let bytes, let time, _):
            let kind = ProbedAnswer(bytes).kind
            return Result(
                findings: [
                    Finding("handshake", .ok, "the server understands key and method", time: time),
                    Finding("relay", .ok, "\(target) answered" + (kind.map { ": \($0)" } ?? ""), time: time),
                ], isAccepted: true, answer: answer)
        case .refused(.stale(let seconds)): return differentClock(seconds, answer)
        case .refused, .closed, .silent, .notConnected: return nil
        }
    }

    // MARK: Without an answer

    /// Every stream that a server does not understand is a line in its log, and a ban program counts those; so there are no more
    /// of them than something can be learned from.
    private func explain(_ answer: StreamAnswer) async -> Result {
        if case .refused = answer { return await foreign(answer) }
        let reaction = await ask(credential)
        switch reaction {
        case .refused(.stale(let seconds)): return differentClock(seconds, answer)
        case .refused: return await foreign(answer)
        case .silent, .notConnected:
            return failed(
                "it takes connections and keeps silent, as servers do with strangers",
                cure: [compare] + clockCure + [
                    "if they are the same: does something else listen there, or somebody on the way answer for it?"
                ], answer)
        case .closed, .answered: break
        }
        // Whoever ends everything ends this too. Twice, since some end things by chance.
        guard !Self.isOver(await ask(stranger)), Self.isOver(await ask(credential)), !Self.isOver(await ask(stranger))
        else {
            return failed(
                "it ends every connection, a stranger's too, so more cannot be seen from here",
                cure: [compare, "or the server cannot reach \(target): try another, --target HOST:PORT"] + limits,
                answer)
        }
        return await notRelayed(answer, isProven: false)
    }

    private func notRelayed(_ first: StreamAnswer, isProven: Bool) async -> Result {
        // A slow target gets its time now that it is known to be the target's.
        let answer = Self.isOver(first) ? first : await askTarget(patience: Self.targetPatience)
        if let result = judged(answer) { return result }
        let how = Self.isOver(answer) ? "the server ended the stream to it" : "nothing came back in 8 s"
        return Result(
            findings: [
                isProven
                    ? Finding("handshake", .ok, "the server understands key and method: a datagram was answered")
                    : Finding(
                        "handshake", .note,
                        "the server seems to understand key and method: it ends what leads nowhere, and no stranger's"),
                Finding(
                    "relay", .broken, "\(target) does not answer through the server: \(how)",
                    cure: [
                        "there: ssserver doctor says whether it has a way out and name servers",
                        "here: try another, --target HOST:PORT",
                    ] + limits),
            ], isAccepted: true, answer: answer)
    }

    /// Something came back that no Shadowsocks server with our key has said.
    private func foreign(_ answer: StreamAnswer) async -> Result {
        let babble = (0..<Int.random(in: 200...600)).map { _ in UInt8.random(in: .min ... .max) }
        guard case .answered(let bytes, _, _) = await server.means.babble(babble, to: address, patience: patience)
        else {
            return failed("what it answers cannot be opened", cure: [compare], answer)
        }
        let kind = ProbedAnswer(bytes).kind.map { ": it speaks \($0.prefix { $0 != " " })" } ?? ""
        return failed(
            "what answers at that port is no Shadowsocks server\(kind)",
            cure: ["is it the right port? \"server_port\""],
            answer)
    }

    // MARK: Words

    /// With what the server has; 2022 methods want the same time as well.
    private var compare: String {
        (credential.method.edition == .sip022 ? "compare password, method and clock" : "compare password and method")
            + " with the server's: ssserver share prints its link"
    }

    /// A clock that is slow cannot be found out from here.
    private var clockCure: [String] {
        guard credential.method.edition == .sip022 else { return [] }
        let log = "if this machine's clock is slow, the server's log says so: ERR_CLOCK, with the number of seconds"
        return ClockDiscipline.isSynchronised == false
            ? ["nothing keeps this machine's clock right: \(ClockCure.command)", log] : [log]
    }

    /// What the server does not tell its users.
    private var limits: [String] { ["or a limit of yours is reached there: quota, last day, streams (ssserver users)"] }

    private func failed(_ text: String, cure: [String], _ answer: StreamAnswer) -> Result {
        var findings = [Finding("handshake", .broken, text, cure: cure)]
        if server.entry.configuration.mode.hasTCP { findings.append(Finding("relay", .skipped, "not tried")) }
        return Result(findings: findings, isAccepted: false, answer: answer)
    }

    private func differentClock(_ seconds: Int64, _ answer: StreamAnswer) -> Result {
        let span = ClockSearch.span(seconds)
        let way = seconds > 0 ? "ahead of" : "behind"
        var result = failed("key and method are right; the clocks are not, see below", cure: [], answer)
        result.clock = Finding(
            "clock", .broken, "the server's is \(span) \(way) this machine's; 30 s are allowed", cure: ClockCure.both)
        return result
    }

    // MARK: Search

    private typealias Candidate = (credential: Credential, offset: Int64)

    /// Another method or time with which a datagram is answered: nobody without the key can make it look so, and no log says
    /// that it was tried. Never an older edition than the configured one.
    private func search() async -> Candidate? {
        let candidates = otherMethods + otherClocks
        return await withTaskGroup(of: Int?.self) { group in
            for (index, candidate) in candidates.enumerated() {
                group.addTask {
                    // Not all at once, which would look like nothing else.
                    await server.means.pause(
                        .milliseconds((0..<index).reduce(0) { sum, _ in sum + .random(in: 10...50) }))
                    return await isHeard(candidate, tries: 2) ? index : nil
                }
            }
            var found: Int?
            for await index in group.compactMap(\.self) { found = min(found ?? index, index) }
            return found.map { candidates[$0] }
        }
    }

    /// Methods that the same key fits.
    private var otherMethods: [Candidate] {
        guard let secret = try? ConfigurationSource.text(of: server.entry.configuration.password) else { return [] }
        return CipherMethod.allCases.compactMap { method in
            guard method != credential.method, method.edition == credential.method.edition || method.edition == .sip022
            else { return nil }
            return (try? Credential(method: method, secret: secret)).map { ($0, 0) }
        }
    }

    /// Times that the server's clock may show.
    private var otherClocks: [Candidate] {
        credential.method.edition == .sip022 ? ClockSearch.offsets.map { (credential, $0) } : []
    }

    private func misfit(_ found: Candidate, _ answer: StreamAnswer) async -> Result {
        let method = found.credential.method
        guard found.offset == 0 else { return differentClock(await exactly(found.offset), answer) }
        return failed(
            "the server understands the key with \(method.rawValue), not \(credential.method.rawValue)",
            cure: ["here: \"method\": \"\(method.rawValue)\""], answer)
    }

    /// To the second, if the target answers.
    private func exactly(_ offset: Int64) async -> Int64 {
        guard server.entry.configuration.mode.hasTCP else { return offset }
        let answer = await askTarget(patience: Self.quickPatience, clockOffset: offset)
        if case .answered(_, _, let exact?) = answer { return exact } else { return offset }
    }

    // MARK: Questions

    private func isHeard(_ candidate: Candidate, tries: Int) async -> Bool {
        let answer = await server.means.askName(
            of: server.datagramTarget, through: endpoint, candidate.credential, clockOffset: candidate.offset,
            tries: tries)
        if case .answered = answer { return true } else { return false }
    }

    private func askTarget(patience: TimeAmount, clockOffset: Int64 = 0) async -> StreamAnswer {
        var random = SystemRandomNumberGenerator()
        let probe = StreamProbe(
            credential, to: server.target, asking: server.question.bytes(for: server.target, random: &random),
            clockOffset: clockOffset, patience: patience)
        return await server.means.ask(probe, through: address)
    }

    /// What the server does with a stream to nowhere.
    private func ask(_ credential: Credential) async -> StreamAnswer {
        await server.means.askNowhere(through: address, credential, patience: patience)
    }

    /// Somebody with a key that nobody has; to an onlooker, and to a server without that key, the same as we.
    private var stranger: Credential {
        let keys = (0...credential.identities.count).map { _ in
            SecretKey((0..<credential.method.keyLength).map { _ in UInt8.random(in: .min ... .max) })
        }
        return Credential(method: credential.method, key: keys[0], servers: Array(keys.dropFirst()))
    }

    private static func isOver(_ answer: StreamAnswer) -> Bool {
        switch answer {
        case .closed, .answered: true
        case .silent, .refused, .notConnected: false
        }
    }
}
