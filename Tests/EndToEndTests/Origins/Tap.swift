// A stand-in for the server that shows what the client puts on the wire: it records, and passes the bytes
// on to the real server whole, one at a time, or not at all. Needs no key: genuine traffic is what it holds.
import Foundation
import Synchronization

final class Tap: Sendable {
    enum Mode: Sendable {
        /// Reads and never answers.
        case swallow
        case forward(Endpoint)
        /// Client's first 2,000 bytes go on one by one.
        case drip(Endpoint)
        /// The server's byte at this offset arrives with a bit flipped.
        case alter(Endpoint, at: Int)
        /// The server's bytes end at this offset, with a FIN.
        case cut(Endpoint, at: Int)
    }

    /// One reading on a recorded connection.
    struct Reading: Sendable {
        let bytes: [UInt8]
        /// Seconds after the connection was accepted.
        let at: Double
        /// Data segments the kernel had received by then.
        let segments: Int
    }

    private let origin: Mutex<Origin?> = Mutex(nil)
    private let connections: Mutex<[[Reading]]> = Mutex([])

    var endpoint: Endpoint { origin.withLock { $0?.endpoint } ?? Endpoint("0.0.0.0", 0) }
    /// Readings of each connection so far.
    var recorded: [[Reading]] { connections.withLock { $0 } }

    /// The bytes of connection `index`, once at least `count` of them came.
    func flight(_ index: Int = 0, atLeast count: Int, seconds: Double = 5) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let came = eventually(seconds) {
            guard recorded.count > index else { return false }
            bytes = recorded[index].flatMap(\.bytes)
            return bytes.count >= count
        }
        guard came else { throw HarnessError("\(bytes.count) bytes reached the tap, not \(count)") }
        return bytes
    }

    /// The same with all that follows without a pause of a fifth of a second: in SIP022 the header may leave before the
    /// payload does, and padding is as long as it likes.
    func settledFlight(_ index: Int = 0, atLeast count: Int) throws -> [UInt8] {
        var bytes = try flight(index, atLeast: count)
        while true {
            pause(0.2)
            let more = recorded[index].flatMap(\.bytes)
            if more.count == bytes.count { return bytes }
            bytes = more
        }
    }

    fileprivate func attach(_ made: Origin) { origin.withLock { $0 = made } }

    fileprivate func serve(_ connection: Socket, _ mode: Mode) throws {
        let start = ContinuousClock.now
        let index = connections.withLock { all in
            all.append([])
            return all.count - 1
        }
        let upstream: Socket? =
            switch mode {
            case .swallow: nil
            case .forward(let server), .drip(let server), .alter(let server, _), .cut(let server, _):
                try Socket.connected(to: server)
            }
        if let upstream { startThread { Self.copy(upstream, connection, mode) } }
        var dripped = 0
        while true {
            let bytes = try connection.receive(1 << 18, seconds: 60)
            if bytes.isEmpty { break }
            let reading = Reading(
                bytes: bytes, at: start.duration(to: .now).seconds, segments: connection.dataSegmentsReceived)
            connections.withLock { $0[index].append(reading) }
            if case .drip = mode, dripped < 2000 {
                for byte in bytes {
                    try upstream?.send([byte])
                    pause(0.001)
                }
                dripped += bytes.count
            } else {
                try upstream?.send(bytes)
            }
        }
        upstream?.finish()
        if upstream != nil { pause(0.5) }
    }

    private static func copy(_ from: Socket, _ to: Socket, _ mode: Mode) {
        var offset = 0
        while var bytes = try? from.receive(1 << 18, seconds: 60), !bytes.isEmpty {
            var isCut = false
            switch mode {
            case .swallow, .forward, .drip: break
            case .alter(_, let place):
                if (offset..<offset + bytes.count).contains(place) { bytes[place - offset] ^= 1 }
            case .cut(_, let place):
                isCut = offset + bytes.count >= place
                if isCut { bytes = Array(bytes.prefix(place - offset)) }
            }
            guard (try? to.send(bytes)) != nil else { return }
            offset += bytes.count
            if isCut { break }
        }
        to.finish()
    }
}

extension Stage {
    func tap(_ mode: Tap.Mode, port: UInt16? = nil) throws -> Tap {
        let tap = Tap()
        tap.attach(try origin(port: port) { connection in try tap.serve(connection, mode) })
        return tap
    }
}
