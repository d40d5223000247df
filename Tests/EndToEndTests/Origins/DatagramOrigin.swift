// A UDP target that sends every datagram back to its sender and remembers what came.
import Foundation
import Synchronization

final class DatagramOrigin: Sendable {
    let endpoint: Endpoint
    private let socket: Socket
    private let state: Mutex<State> = Mutex(State())

    private struct State {
        var count = 0
        var lastSender: Endpoint?
        var isStopped = false
    }

    fileprivate init(_ host: String, echoes: Bool) throws {
        endpoint = Endpoint(host, try Ports.free())
        socket = try Socket.datagram(endpoint)
        startThread { [self] in
            while !state.withLock({ $0.isStopped }) {
                guard let (bytes, sender) = socket.receiveDatagram(seconds: 0.25) else { continue }
                state.withLock { state in
                    state.count += 1
                    state.lastSender = sender
                }
                if echoes { try? socket.send(bytes, to: sender) }
            }
        }
    }

    /// Datagrams so far.
    var received: Int { state.withLock { $0.count } }
    /// Where the last one came from: the server's socket for that association.
    var lastSender: Endpoint? { state.withLock { $0.lastSender } }

    func stop() { state.withLock { $0.isStopped = true } }
}

extension Stage {
    func datagramOrigin(_ host: String = "127.0.0.1", echoes: Bool = true) throws -> DatagramOrigin {
        let origin = try DatagramOrigin(host, echoes: echoes)
        atEnd { origin.stop() }
        return origin
    }
}
