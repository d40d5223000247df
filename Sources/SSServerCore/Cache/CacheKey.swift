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
        guard let host else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(host.host.utf8.count + path.count + 48)
        if let user {
            bytes += user.utf8
            bytes.append(0)
        }
        switch target.host {
        case .name(let name):
            guard host.port ?? 80 == target.port, Self.isSame(host.host, name) else { return nil }
            bytes += host.host.utf8
        case .ip(let address):
            bytes.append(UInt8(ascii: "@"))
            bytes += "\(address) ".utf8
            bytes += host.hostField(defaultPort: 80).utf8
        }
        bytes.append(UInt8(ascii: ":"))
        bytes += String(target.port).utf8
        bytes += path
        self.bytes = bytes
    }

    private static func isSame(_ host: String, _ name: HostName) -> Bool {
        let name = name.bytes
        guard host.utf8.count == name.count else { return false }
        var index = name.startIndex
        for byte in host.utf8 {
            if byte != name[index].lowercasedASCII { return false }
            index += 1
        }
        return true
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
