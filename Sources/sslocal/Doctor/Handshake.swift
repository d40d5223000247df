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
    /// Streams at a time in a search.
    private static let breadth = 8
    private static let datagramBreadth = 80
    /// No server gets there: its own machine's port 1, which is nobody's.
    private static let nowhere = TargetAddress(.ip(.v4(IPv4Address(127, 0, 0, 1))), port: 1)

    init(_ server: ServerExamination, _ endpoint: Endpoint, connectionTime: Duration) {
        self.server = server
        self.endpoint = endpoint
        patience = .milliseconds(1000) + TimeAmount(seconds: connectionTime) * 4
    }

    private var address: TargetAddress { server.entry.configuration.address }
    private var credential: Credential { server.entry.credential }

    func examine() async -> Result {
        let answer = await askTarget(patience: Self.quickPatience)
        if let result = judged(answer) { return result }
        return await explain(answer)
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

    private func askTarget(patience: TimeAmount, clockOffset: Int64 = 0) async -> StreamAnswer {
        var random = SystemRandomNumberGenerator()
        let probe = StreamProbe(
            credential, to: server.target, asking: server.question.bytes(for: server.target, random: &random),
            clockOffset: clockOffset, patience: patience)
        return await server.means.ask(probe, through: address)
    }

    private var target: String { TerminalText.plain("\(server.target)") }

    // MARK: No answer

    private func explain(_ answer: StreamAnswer) async -> Result {
        async let understood = ask(credential)
        async let babbled = server.means.babble(Self.noise, to: address, patience: patience)
        let (reaction, stranger) = await (understood, babbled)
        if case .answered(let bytes, _, _) = stranger {
            let kind = ProbedAnswer(bytes).kind.map { ": it speaks \($0.prefix { $0 != " " })" } ?? ""
            return failed(
                "what answers at that port is no Shadowsocks server\(kind)",
                cure: ["is it the right port? \"server_port\""], answer)
        }
        if case .refused = answer { return failed("what it answers cannot be opened", cure: [compare], answer) }
        if case .refused(.stale(let seconds)) = reaction { return differentClock(seconds, answer) }
        switch (Self.isOver(reaction), Self.isOver(stranger), Self.isOver(answer)) {
        // It ends a stream of ours and lets a stranger's hang, or the other way round.
        case (true, false, _), (false, true, _), (true, true, false): return await notRelayed(answer)
        case (true, true, true):
            return failed(
                "it ends every connection, a stranger's too, so more cannot be seen from here",
                cure: [
                    compare,
                    "or the server cannot reach \(target): try another, --target HOST:PORT",
                ], answer)
        case (false, false, _): return await search(answer)
        }
    }

    private func notRelayed(_ first: StreamAnswer) async -> Result {
        // A slow target gets its time now that it is known to be the target's.
        let answer = Self.isOver(first) ? first : await askTarget(patience: Self.targetPatience)
        if let result = judged(answer) { return result }
        let how = Self.isOver(answer) ? "the server ended the stream to it" : "nothing came back in 8 s"
        return Result(
            findings: [
                Finding("handshake", .ok, "the server understands key and method"),
                Finding(
                    "relay", .broken, "\(target) does not answer through the server: \(how)",
                    cure: [
                        "there: ssserver doctor says whether it has a way out and name servers",
                        "here: try another, --target HOST:PORT",
                    ]),
            ], isAccepted: true, answer: answer)
    }

    /// The server is silent to us as it is to strangers.
    private func search(_ answer: StreamAnswer) async -> Result {
        if let found = await first(otherMethods + otherClocks) {
            let method = found.credential.method
            guard found.offset == 0 else { return differentClock(await exactly(found.offset), answer) }
            return failed(
                "the server understands the key with \(method.rawValue), not \(credential.method.rawValue)",
                cure: ["here: \"method\": \"\(method.rawValue)\""], answer)
        }
        return failed(
            "it takes connections and keeps silent, as servers do with strangers",
            cure: [compare] + (server.isThorough ? [] : ["sslocal doctor --search tries other methods and clocks"]) + [
                "if they are the same: does something else listen there, or somebody on the way answer for it?"
            ], answer)
    }

    /// With what the server has; 2022 methods want the same time as well.
    private var compare: String {
        (credential.method.edition == .sip022 ? "compare password, method and clock" : "compare password and method")
            + " with the server's: ssserver share prints its link"
    }

    private func failed(_ text: String, cure: [String], _ answer: StreamAnswer) -> Result {
        Result(
            findings: [
                Finding("handshake", .broken, text, cure: cure), Finding("relay", .skipped, "not tried"),
            ], isAccepted: false, answer: answer)
    }

    private func differentClock(_ seconds: Int64, _ answer: StreamAnswer) -> Result {
        let span = ClockSearch.span(seconds)
        let way = seconds > 0 ? "ahead of" : "behind"
        var result = failed("key and method are right; the clocks are not, see below", cure: [], answer)
        result.clock = Finding(
            "clock", .broken, "the server's is \(span) \(way) this machine's; 30 s are allowed", cure: ClockCure.both)
        return result
    }

    // MARK: Searches

    // Every stream that a server does not understand is a line in its log, and a ban program counts those. Datagrams are not
    // logged, so they are tried first, and streams only if the user says so.

    private typealias Candidate = (credential: Credential, offset: Int64)

    /// Methods that the same key fits.
    private var otherMethods: [Candidate] {
        guard let secret = try? ConfigurationSource.text(of: server.entry.configuration.password) else { return [] }
        return CipherMethod.allCases.compactMap { method in
            guard method != credential.method else { return nil }
            return (try? Credential(method: method, secret: secret)).map { ($0, 0) }
        }
    }

    /// Times that the server's clock may show.
    private var otherClocks: [Candidate] {
        credential.method.edition == .sip022 ? ClockSearch.offsets.map { (credential, $0) } : []
    }

    /// To the second, if the target answers.
    private func exactly(_ offset: Int64) async -> Int64 {
        let answer = await askTarget(patience: Self.quickPatience, clockOffset: offset)
        if case .answered(_, _, let exact?) = answer { return exact } else { return offset }
    }

    /// The first of `candidates` that the server understands, by datagrams or, if wanted, by streams.
    private func first(_ candidates: [Candidate]) async -> Candidate? {
        if server.entry.configuration.mode.hasUDP,
            let found = await first(candidates, together: Self.datagramBreadth, where: { await isHeard($0) })
        {
            return found
        }
        guard server.isThorough else { return nil }
        return await first(candidates, together: Self.breadth) { Self.isOver(await ask($0.credential, $0.offset)) }
    }

    private func isHeard(_ candidate: Candidate) async -> Bool {
        let answer = await server.means.askName(
            of: server.datagramTarget, through: endpoint, candidate.credential, clockOffset: candidate.offset, tries: 2)
        if case .answered = answer { return true } else { return false }
    }

    private func first(
        _ candidates: [Candidate], together breadth: Int, where isRight: @escaping @Sendable (Candidate) async -> Bool
    ) async -> Candidate? {
        for start in stride(from: 0, to: candidates.count, by: breadth) {
            let some = candidates[start..<min(start + breadth, candidates.count)]
            let found = await withTaskGroup(of: Int?.self) { group in
                for (index, candidate) in zip(some.indices, some) {
                    group.addTask { await isRight(candidate) ? index : nil }
                }
                var least: Int?
                for await index in group.compactMap(\.self) { least = min(least ?? index, index) }
                return least
            }
            if let found { return candidates[found] }
        }
        return nil
    }

    /// What the server does with a stream to nowhere.
    private func ask(_ credential: Credential, _ clockOffset: Int64 = 0) async -> StreamAnswer {
        let probe = StreamProbe(
            credential, to: Self.nowhere, asking: Array("GET / HTTP/1.1\r\n\r\n".utf8), clockOffset: clockOffset,
            patience: patience)
        return await server.means.ask(probe, through: address)
    }

    private static func isOver(_ answer: StreamAnswer) -> Bool {
        switch answer {
        case .closed, .answered: true
        case .silent, .refused, .notConnected: false
        }
    }

    /// As many bytes as a request may have, that nobody can open.
    private static var noise: [UInt8] { (0..<Int.random(in: 200...600)).map { _ in .random(in: .min ... .max) } }
}
