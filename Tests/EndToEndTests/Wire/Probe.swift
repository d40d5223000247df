// Connections that do not authenticate, many at once, and what the server lets them see. They come from
// many loopback addresses, so that a limit on strangers from one address is not what is measured.
import Foundation
import Testing

struct Probe {
    let name: String
    let bytes: [UInt8]
    let socket: Socket

    static func send(_ probes: [(name: String, bytes: [UInt8])], to server: Endpoint) throws -> [Probe] {
        try probes.enumerated().map { index, probe in
            let socket = try Socket.connected(to: server, from: source(index))
            try socket.send(probe.bytes)
            return Probe(name: probe.name, bytes: probe.bytes, socket: socket)
        }
    }

    static func source(_ index: Int) -> String { "127.0.\(1 + index / 40 / 250 % 200).\(1 + index / 40 % 250)" }

    /// Silence for `seconds`, then FIN for FIN: the one behaviour towards strangers (security.md 0.1, 2.5).
    static func expectSilence(_ probes: [Probe], seconds: Double = 2) {
        pause(seconds)
        for probe in probes {
            let seen = probe.socket.observe()
            #expect(seen == .silence, "\(probe.name): \(seen) within \(seconds) s")
        }
        var slowest = 0.0
        for probe in probes {
            let start = ContinuousClock.now
            probe.socket.finish()
            let seen = probe.socket.observe(for: 2)
            #expect(seen == .fin, "\(probe.name): \(seen) after FIN")
            slowest = max(slowest, start.duration(to: .now).seconds)
        }
        Figures.show("slowest FIN for FIN of \(probes.count)", "\(Int(slowest * 1000)) ms")
    }

    static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        while bytes.count < count { withUnsafeBytes(of: generator.next()) { bytes += $0 } }
        return Array(bytes.prefix(count))
    }
}
