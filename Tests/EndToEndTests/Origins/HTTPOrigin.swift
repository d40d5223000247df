// An HTTP/1.1 origin of the plainest kind, independent of every parser under test. It shows what reached it.
import Foundation
import Synchronization

struct OriginRequest: Sendable {
    let method: String
    let path: String
    let version: String
    /// As they came, in order.
    let fields: [(name: String, value: String)]
    let bodyLength: Int
    let bodyDigest: String
    let trailers: [String]

    func values(_ name: String) -> [String] {
        fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }
}

final class HTTPOrigin: Sendable {
    /// Set once, right after the listener exists.
    fileprivate let listener: Mutex<Origin?> = Mutex(nil)
    private let seen: Mutex<[OriginRequest]> = Mutex([])

    var endpoint: Endpoint { listener.withLock { $0?.endpoint } ?? Endpoint("0.0.0.0", 0) }
    var connections: Int { listener.withLock { $0?.accepted } ?? 0 }
    var requests: [OriginRequest] { seen.withLock { $0 } }

    func url(_ path: String, host: String? = nil) -> String {
        "http://\(host ?? endpoint.host):\(endpoint.port)\(path)"
    }

    fileprivate func serve(_ connection: Socket) throws {
        while let request = try HTTPRequestReader(connection).next() {
            seen.withLock { $0.append(request) }
            guard try HTTPAnswers.answer(request, on: connection) else { return }
        }
    }
}

extension Stage {
    func httpOrigin() throws -> HTTPOrigin {
        let http = HTTPOrigin()
        let origin = try origin { [weak http] connection in try http?.serve(connection) }
        http.listener.withLock { $0 = origin }
        return http
    }
}
