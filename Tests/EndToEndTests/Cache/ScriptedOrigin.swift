// An origin that says for each path what its test wrote, and remembers who asked.
import Foundation
import Synchronization

final class ScriptedOrigin: Sendable {
    /// Told the request and how many have asked for its path, this one included.
    typealias Script = @Sendable (OriginRequest, Int) -> ScriptedAnswer

    private let scripts: Mutex<[String: Script]> = Mutex([:])
    private let seen: Mutex<[OriginRequest]> = Mutex([])
    fileprivate let listener: Mutex<Origin?> = Mutex(nil)

    var endpoint: Endpoint { listener.withLock { $0?.endpoint } ?? Endpoint("0.0.0.0", 0) }
    var connections: Int { listener.withLock { $0?.accepted } ?? 0 }
    var requests: [OriginRequest] { seen.withLock { $0 } }

    /// The requests for a path, in the order they came.
    func requests(for path: String) -> [OriginRequest] { requests.filter { $0.path == path } }
    func count(_ path: String) -> Int { requests(for: path).count }

    func on(_ path: String, _ script: @escaping Script) { scripts.withLock { $0[path] = script } }
    func on(_ path: String, _ answer: ScriptedAnswer) { on(path) { _, _ in answer } }

    /// Nobody can connect any more, and who is connected is no longer.
    func stop() { listener.withLock { $0 }?.stop() }

    fileprivate func serve(_ connection: Socket) throws {
        while let request = try HTTPRequestReader(connection).next() {
            let count = seen.withLock { all in
                all.append(request)
                return all.filter { $0.path == request.path }.count
            }
            let script = scripts.withLock { $0[request.path] }
            let answer = script?(request, count) ?? .status("404 Not Found", ["Cache-Control: no-store"])
            guard try send(answer, to: request, on: connection) else { return }
        }
    }

    /// False when the connection is done with.
    private func send(_ answer: ScriptedAnswer, to request: OriginRequest, on connection: Socket) throws -> Bool {
        for head in answer.interim { try connection.send(head + "\r\n\r\n") }
        if answer.delay > 0 { pause(answer.delay) }
        if !answer.isMute { try sendMessage(answer, to: request, on: connection) }
        switch answer.end {
        case .keeps: break
        case .closes: return false
        case .resets:
            // What was sent has to be read before it is torn down.
            pause(0.1)
            connection.reset()
            return false
        }
        if case .close = answer.framing { return false }
        return answer.version == "HTTP/1.1" && !request.values("Connection").contains("close")
    }

    private func sendMessage(_ answer: ScriptedAnswer, to request: OriginRequest, on connection: Socket) throws {
        let head = Array(answer.head.utf8)
        let pieces = request.method == "HEAD" ? [] : answer.pieces
        if answer.isDripped {
            for byte in head {
                try connection.send([byte])
                pause(0.001)
            }
        }
        try connection.send((answer.isDripped ? [] : head) + (pieces.first ?? []))
        for piece in pieces.dropFirst() {
            if answer.rest > 0 { pause(answer.rest) }
            answer.gate?.wait()
            try connection.send(piece, seconds: 30)
        }
    }
}

/// An origin that keeps what came, connection by connection, and leaves HTTP alone.
final class RawOrigin: Sendable {
    private let heard: Mutex<[[UInt8]]> = Mutex([])
    fileprivate let listener: Mutex<Origin?> = Mutex(nil)

    var endpoint: Endpoint { listener.withLock { $0?.endpoint } ?? Endpoint("0.0.0.0", 0) }
    /// What came on each connection, in their order.
    var connections: [[UInt8]] { heard.withLock { $0 } }
    var texts: [String] { connections.map { String(decoding: $0, as: UTF8.self) } }

    fileprivate func serve(_ connection: Socket, _ banner: String, _ answer: ([UInt8]) -> [UInt8]) throws {
        let index = heard.withLock { all in
            all.append([])
            return all.count - 1
        }
        if !banner.isEmpty { try connection.send(banner) }
        while true {
            let bytes = try connection.receive(seconds: 20)
            if bytes.isEmpty { return connection.finish() }
            heard.withLock { $0[index] += bytes }
            let reply = answer(bytes)
            if !reply.isEmpty { try connection.send(reply) }
        }
    }
}

extension Stage {
    func scriptedOrigin() throws -> ScriptedOrigin {
        let scripted = ScriptedOrigin()
        let origin = try origin { [weak scripted] connection in try scripted?.serve(connection) }
        scripted.listener.withLock { $0 = origin }
        return scripted
    }

    /// Says `banner` when somebody connects, and `answer` to each thing it hears.
    func rawOrigin(
        banner: String = "", _ answer: @escaping @Sendable ([UInt8]) -> [UInt8] = { $0 }
    ) throws -> RawOrigin {
        let raw = RawOrigin()
        let origin = try origin { [weak raw] connection in try raw?.serve(connection, banner, answer) }
        raw.listener.withLock { $0 = origin }
        return raw
    }
}
