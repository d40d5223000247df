import SSCommon
import Testing

@Suite("Connection racing")
struct ConnectionRaceTests {
    @Test(
        "Families take turns, the preferred one first, in the resolver's order and without repeats",
        arguments: [
            (["6a", "6b", "6c", "4a"], false, ["4a", "6a", "6b", "6c"]),
            (["6a", "6b", "4a", "4b"], true, ["6a", "4a", "6b", "4b"]),
            (["4a", "4b", "6a"], false, ["4a", "6a", "4b"]), (["4a", "4b"], true, ["4a", "4b"]),
            (["4a", "4a", "6a", "6a", "m4a"], false, ["4a", "6a"]),
        ])
    func order(given: [String], ipv6First: Bool, expected: [String]) throws {
        var race = try #require(ConnectionRace(given.map(address), ipv6First: ipv6First))
        var order: [IPAddress] = []
        var step = race.start()
        while case .connect(_, let address, _) = step {
            order.append(address)
            step = race.delayElapsed()
        }
        #expect(order == expected.map(address))
    }

    @Test("No address, no race")
    func empty() {
        #expect(ConnectionRace([], ipv6First: false) == nil)
    }

    @Test("At most eight of many addresses are tried")
    func bounded() throws {
        let many = (0..<200).map { IPAddress.v4(IPv4Address(192, 0, 2, UInt8($0))) }
        var race = try #require(ConnectionRace(many, ipv6First: false))
        var attempts = 0
        var step = race.start()
        while case .connect(_, _, let timer) = step {
            attempts += 1
            #expect(timer == (attempts < 8))
            step = race.delayElapsed()
        }
        #expect(attempts == 8)
    }

    @Test("With a clock: attempts start every 250 ms, sooner after a failure, and the first success wins")
    func timing() throws {
        // The address's last digit says what becomes of the attempt: milliseconds until it fails or succeeds.
        let outcomes: [String: (after: Int, success: Bool)] = [
            "4a": (10_000, false), "6a": (100, false), "4b": (400, true), "6b": (300, true),
        ]
        let run = try simulate(["4a", "4b", "6a", "6b"], outcomes)
        // 4a hangs; 6a starts at 250, fails at 350; 4b starts then and would connect at 750; 6b starts at 600
        // and would connect at 900.
        #expect(run.starts.map { "\($0.0) \($0.1)" } == ["4a 0", "6a 250", "4b 350", "6b 600"])
        #expect(run.winner == "4b" && run.end == 750)
        #expect(run.discarded == ["6b"])
    }

    @Test("If every attempt fails the race is lost when the last one does, whatever their order")
    func lost() throws {
        let run = try simulate(["4a", "6a"], ["4a": (900, false), "6a": (10, false)])
        #expect(run.winner == nil && run.end == 900)
    }

    @Test("After giving up nothing starts and a late success is thrown away")
    func givenUp() throws {
        var race = try #require(ConnectionRace([address("4a"), address("6a")], ipv6First: false))
        _ = race.start()
        race.giveUp()
        #expect(race.delayElapsed() == .wait)
        #expect(race.succeeded(attempt: 0) == .discard(attempt: 0))
    }

    private struct Run {
        var starts: [(String, Int)] = []
        var winner: String?
        var end = 0
        var discarded: [String] = []
    }

    /// Plays a race against a clock of milliseconds.
    private func simulate(_ names: [String], _ outcomes: [String: (after: Int, success: Bool)]) throws -> Run {
        var race = try #require(ConnectionRace(names.map(address), ipv6First: false))
        var run = Run()
        var attempts: [Int: (name: String, due: Int, success: Bool)] = [:]
        var labels: [Int: String] = [:]
        var timer: Int?
        var over = false
        func perform(_ step: ConnectionRace<IPAddress>.Step, _ now: Int) {
            switch step {
            case .connect(let attempt, let address, let wantsTimer):
                let name = names.first { self.address($0) == address }!
                labels[attempt] = name
                run.starts.append((name, now))
                attempts[attempt] = (name, now + outcomes[name]!.after, outcomes[name]!.success)
                timer = wantsTimer ? now + 250 : nil
            case .wait: break
            case .won(let attempt):
                run.winner = labels[attempt]
                run.end = now
                over = true
            case .discard(let attempt): run.discarded.append(labels[attempt]!)
            case .lost:
                run.end = now
                over = true
            }
        }
        perform(race.start(), 0)
        for now in 0...20_000 {
            if timer == now, !over { perform(race.delayElapsed(), now) }
            for (attempt, entry) in attempts.sorted(by: { $0.key < $1.key }) where entry.due == now {
                attempts[attempt] = nil
                perform(entry.success ? race.succeeded(attempt: attempt) : race.failed(), now)
            }
        }
        return run
    }

    private func address(_ name: String) -> IPAddress {
        switch name {
        case "4a": IPAddress("192.0.2.1")!
        case "4b": IPAddress("192.0.2.2")!
        case "m4a": IPAddress("::ffff:192.0.2.1")!
        case "6a": IPAddress("2001:db8::1")!
        case "6b": IPAddress("2001:db8::2")!
        default: IPAddress("2001:db8::3")!
        }
    }
}
