// `doctor` run on a configuration, and what it found.
import Foundation
import Testing

struct Diagnosis {
    struct Leg {
        let verdict: String
        let text: String
        let cure: String
    }

    let exit: ProcessUnderTest.Exit
    let works: Bool
    /// One dictionary a headline: legs by their names.
    let parts: [(about: String, legs: [String: Leg])]
    let seconds: Double

    /// Of the only server, or of the whole machine: the last finding of that name.
    subscript(leg: String) -> Leg? { parts.compactMap { $0.legs[leg] }.last }

    fileprivate init(_ finished: Finished, seconds: Double) throws {
        guard let json = try? JSONSerialization.jsonObject(with: Data(finished.output.utf8)) as? [String: Any],
            let list = json["parts"] as? [[String: Any]], let works = json["works"] as? Bool
        else { throw HarnessError("doctor printed no JSON: \(finished.exit)\n\(finished.output)\n\(finished.errors)") }
        exit = finished.exit
        self.works = works
        self.seconds = seconds
        parts = list.map { part in
            var legs: [String: Leg] = [:]
            for finding in part["findings"] as? [[String: Any]] ?? [] {
                legs[finding["leg"] as? String ?? ""] = Leg(
                    verdict: finding["verdict"] as? String ?? "", text: finding["text"] as? String ?? "",
                    cure: (finding["cure"] as? [String] ?? []).joined(separator: "\n"))
            }
            return (part["about"] as? String ?? "", legs)
        }
    }

    /// Verdicts of `legs`, in that order.
    func verdicts(_ legs: [String] = ["name", "tcp", "handshake", "relay", "udp"]) -> [String] {
        legs.map { self[$0]?.verdict ?? "not there" }
    }
}

/// A laptop with one server, examined.
struct Patient {
    let stage: Stage
    let running: RunningPair
    let http: HTTPOrigin
    let datagrams: DatagramOrigin
    /// Laid over the laptop's configuration.
    var changes: [String: Any] = [:]

    init(_ stage: Stage, _ pair: Pair = .underTest(.blake3AES256), _ options: PairOptions = PairOptions()) throws {
        self.stage = stage
        running = try stage.run(pair, options)
        http = try stage.httpOrigin()
        datagrams = try stage.datagramOrigin()
    }

    /// `sslocal doctor` with the key of the pair, `flags` after the usual ones.
    func examine(_ flags: [String] = [], clock: Int = 0) throws -> Diagnosis {
        var configuration: [String: Any] = [
            "server": "127.0.0.1", "server_port": running.serverPort, "method": running.pair.method.rawValue,
            "password": running.pair.method.key, "local_address": "127.0.0.1", "local_port": running.localPort,
            "state_directory": stage.workspace.unusedPath("doctor-state"),
        ]
        if changes["locals"] != nil { for key in ["local_address", "local_port"] { configuration[key] = nil } }
        let file = try stage.workspace.config("doctor.json", configuration.merging(changes) { $1 })
        return try stage.diagnose(.sslocal, ["-c", file] + targets + flags, clock: clock)
    }

    var targets: [String] {
        ["--target", "127.0.0.1:\(http.endpoint.port)", "--udp-target", "\(datagrams.endpoint)"]
    }
}

extension Stage {
    func diagnose(_ command: OurCommand, _ arguments: [String], clock: Int = 0) throws -> Diagnosis {
        let environment = clock == 0 ? [:] : try ShiftedClock.environment(clock)
        let (finished, seconds) = try timed {
            try run(
                try command.tool.path(), ["doctor", "--json"] + arguments, seconds: 60, environment: environment)
        }
        #expect(!finished.output.contains(RunningPair.key) && !finished.errors.contains(RunningPair.key))
        #expect(
            !finished.output.contains(Method.blake3AES256.key) && !finished.errors.contains(Method.blake3AES256.key))
        return try Diagnosis(finished, seconds: seconds)
    }
}
