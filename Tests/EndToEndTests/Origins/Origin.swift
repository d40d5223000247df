// The targets of the tests: a listener that serves each connection on a thread of its own with blocking
// calls, so that a strange origin is a few straight lines.
import Foundation
import Synchronization

final class Origin: Sendable {
    let endpoint: Endpoint
    private let listener: Socket
    private let state: Mutex<State> = Mutex(State())

    private struct State {
        var accepted = 0
        var open: [ObjectIdentifier: Socket] = [:]
    }

    typealias Service = @Sendable (Socket) throws -> Void

    fileprivate init(_ host: String, _ port: UInt16?, serve: @escaping Service) throws {
        endpoint = Endpoint(host, try port ?? Ports.free())
        listener = try Socket.listening(endpoint)
        startThread { [self] in
            while let connection = listener.accepted() { begin(connection, serve) }
        }
    }

    /// Connections so far.
    var accepted: Int { state.withLock { $0.accepted } }
    /// Connections whose service still runs.
    var openCount: Int { state.withLock { $0.open.count } }

    func stop() {
        listener.wake()
        for connection in state.withLock({ Array($0.open.values) }) { connection.wake() }
    }

    private func begin(_ connection: Socket, _ serve: @escaping Service) {
        state.withLock { state in
            state.accepted += 1
            state.open[ObjectIdentifier(connection)] = connection
        }
        startThread { [self] in
            // A fault here is the peer's doing (a test kills programs): what matters is asserted at the other end.
            try? serve(connection)
            state.withLock { _ = $0.open.removeValue(forKey: ObjectIdentifier(connection)) }
            connection.close()
        }
    }
}

extension Stage {
    /// Starts an origin that ends with the stage.
    func origin(_ host: String = "127.0.0.1", port: UInt16? = nil, _ serve: @escaping Origin.Service) throws -> Origin {
        let origin = try Origin(host, port, serve: serve)
        atEnd { origin.stop() }
        return origin
    }

    /// Sends back what it gets, and FIN for FIN.
    func echoOrigin(_ host: String = "127.0.0.1") throws -> Origin {
        try origin(host) { connection in
            while true {
                let bytes = try connection.receive(seconds: 120)
                if bytes.isEmpty { return connection.finish() }
                try connection.send(bytes)
            }
        }
    }

    /// Sends `count` pattern bytes, then FIN, and waits for the peer's.
    func sourceOrigin(_ count: Int) throws -> Origin {
        try origin { connection in
            try Pattern.send(count, on: connection)
            connection.finish()
            _ = try? connection.receive(seconds: 60)
        }
    }

    /// Reads to the FIN, then answers "LENGTH SHA256\n" and closes.
    func digestOrigin() throws -> Origin {
        try origin { connection in
            let digest = Digest()
            while true {
                let bytes = try connection.receive(1 << 18, seconds: 60)
                if bytes.isEmpty { break }
                digest.add(bytes)
            }
            try connection.send("\(digest.count) \(digest.hex())\n")
        }
    }
}

/// Runs `body` on a new thread with a small stack: thousands of them must fit.
func startThread(_ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.stackSize = 512 << 10
    thread.start()
}
