// What a stored answer is found by. It begins with where the tunnel really leads, so nobody can put anything under a name that
// their tunnel did not lead to; an address is never the same as a name that has it.
package import SSCommon

package struct CacheKey: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// In one go: an array hashes each byte by itself.
    package func hash(into hasher: inout Hasher) { bytes.withUnsafeBytes { hasher.combine(bytes: $0) } }

    /// Of a key's bytes: with a seed of the process's own, so that nobody can choose keys of one hash.
    static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        return hasher.finalize()
    }

    var tableHash: Int { bytes.withUnsafeBytes { Self.hash($0) } }

    /// Of a GET for `path` over a stream to `target`, which is canonical; nil where Host says something else than the target,
    /// which the cache has no part in.
    package init?(target: TargetAddress, host: HTTPAuthority?, path: [UInt8], user: String?) {
        guard let key = CachePlace(target, user: user).key(host: host, path: path) else { return nil }
        self = key
    }

    /// For people: `example.net:80/path`, with the user where users are kept apart.
    package var text: String {
        guard let end = bytes.firstIndex(of: 0) else { return String(decoding: bytes, as: UTF8.self) }
        return String(decoding: bytes[(end + 1)...], as: UTF8.self)
            + " (\(String(decoding: bytes[..<end], as: UTF8.self)))"
    }

    /// For those who ask by name: without the user.
    package var shown: ArraySlice<UInt8> { bytes.firstIndex(of: 0).map { bytes[($0 + 1)...] } ?? bytes[...] }
}

/// What the keys of one stream have in common.
package struct CachePlace: Sendable {
    private let target: TargetAddress
    /// A name, in lower case.
    private let name: [UInt8]
    /// All before Host, which of a name is the name.
    private let start: [UInt8]
    /// All between Host and the path.
    private let port: [UInt8]

    package init(_ target: TargetAddress, user: String?) {
        self.target = target
        let user: [UInt8] = if let user { user.utf8 + [0] } else { [] }
        let port = Array(":\(target.port)".utf8)
        switch target.host {
        case .name(let name):
            self.name = name.bytes.map(\.lowercasedASCII)
            start = user + self.name + port
            self.port = []
        case .ip(let address):
            name = []
            start = user + "@\(address) ".utf8
            self.port = port
        }
    }

    package func key(host: HTTPAuthority?, path: [UInt8]) -> CacheKey? {
        guard let host else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(start.count + host.host.utf8.count + path.count + 16)
        bytes += start
        switch target.host {
        case .name:
            guard host.port ?? 80 == target.port, host.host.utf8.elementsEqual(name) else { return nil }
        case .ip:
            bytes += host.hostField(defaultPort: 80).utf8
            bytes += port
        }
        bytes += path
        return CacheKey(bytes: bytes)
    }
}
