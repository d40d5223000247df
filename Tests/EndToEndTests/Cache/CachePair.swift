// Our client, our server with its cache, and an origin on a port where HTTP is spoken.
import Foundation
import Synchronization
import Testing

/// How a target is written: both are kept, and neither knows of the other.
enum Place: String, Sendable, CaseIterable {
    case name = "localhost"
    case address = "127.0.0.1"
}

struct CachePair {
    let stage: Stage
    let origin: ScriptedOrigin
    let running: RunningPair

    /// `keys` are laid over the section, `others` over the server's configuration.
    init(
        _ stage: Stage, keys: [String: Any] = [:], others: [String: Any] = [:],
        pair: Pair = Pair(client: .ours, server: .ours)
    ) throws {
        self.stage = stage
        origin = try stage.scriptedOrigin()
        running = try stage.runCache([origin.endpoint.port], keys: keys, others: others, pair: pair)
    }

    var port: UInt16 { origin.endpoint.port }
    func host(_ place: Place = .name) -> String { "\(place.rawValue):\(port)" }
    func url(_ path: String, _ place: Place = .name) -> String { "http://\(host(place))\(path)" }

    func tunnel(_ place: Place = .name) throws -> HTTPTunnel {
        try Self.tunnel(via: running.front, to: origin.endpoint, place)
    }

    static func tunnel(via front: Endpoint, to target: Endpoint, _ place: Place = .name) throws -> HTTPTunnel {
        let target: Target = place == .name ? .name(place.rawValue, target.port) : Target(target)
        return HTTPTunnel(try SOCKSClient.tunnel(via: front, to: target))
    }

    /// A request's head.
    func request(
        _ path: String, _ fields: [String] = [], method: String = "GET", at place: Place = .name
    ) -> String {
        (["\(method) \(path) HTTP/1.1", "Host: \(host(place))"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// Asks on a connection of its own.
    @discardableResult
    func ask(
        _ path: String, _ fields: [String] = [], method: String = "GET", body: String? = nil,
        at place: Place = .name, seconds: Double = 8
    ) throws -> HTTPAnswer {
        let tunnel = try tunnel(place)
        // The last byte leaves before the server has put the object away.
        defer {
            tunnel.close()
            pause(0.02)
        }
        let length = body.map { ["Content-Length: \($0.utf8.count)"] } ?? []
        try tunnel.send(request(path, fields + length, method: method, at: place) + (body ?? ""))
        return try tunnel.answer(to: method, seconds: seconds)
    }

    func curl(_ arguments: [String], by front: CurlFront = .socks5h) throws -> CurlResult {
        try stage.curl(front.arguments(running.front) + arguments)
    }
}

extension Stage {
    /// A pair whose server has a cache for those ports.
    func runCache(
        _ ports: [UInt16], keys: [String: Any] = [:], others: [String: Any] = [:],
        pair: Pair = Pair(client: .ours, server: .ours)
    ) throws -> RunningPair {
        let section: [String: Any] = ["enabled": true, "ports": ports.map(Int.init)]
        let all: [String: Any] = ["cache": section.merging(keys) { $1 }]
        let data = try JSONSerialization.data(withJSONObject: all.merging(others) { $1 })
        var options = PairOptions()
        options.serverKeys = { (try? JSONSerialization.jsonObject(with: data) as? [String: Any]) ?? [:] }
        return try run(pair, options)
    }
}

/// Runs `body` so many times at once; what each gave, in their order, nil for those that threw or took too long.
func atOnce<Value: Sendable>(
    _ count: Int, seconds: Double = 20, _ body: @escaping @Sendable (Int) throws -> Value
) -> [Value?] {
    let results = Results<Value>(count)
    for index in 0..<count {
        startThread { results.put(Result { try body(index) }, at: index) }
    }
    _ = eventually(seconds) { results.isFull }
    return results.values
}

private final class Results<Value: Sendable>: Sendable {
    private let all: Mutex<[Result<Value, any Error>?]>

    init(_ count: Int) { all = Mutex(Array(repeating: nil, count: count)) }

    var isFull: Bool { all.withLock { $0.allSatisfy { $0 != nil } } }
    var values: [Value?] { all.withLock { $0.map { try? $0?.get() } } }
    func put(_ result: Result<Value, any Error>, at index: Int) { all.withLock { $0[index] = result } }
}
