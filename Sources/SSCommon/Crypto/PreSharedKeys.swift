// SIP022: a key is random bytes, written in base64; no password is stretched into one. SIP023: a client of a server with
// users, or behind relays, has several in a row, joined by colons: one for each server on the way and the user's own last.

/// The keys in a 2022 method's "password".
package enum PreSharedKeys {
    package enum Fault: Error, Hashable, Sendable {
        /// The `index`th of the parts is not base64.
        case notBase64(index: Int)
        /// The `index`th of the parts has another number of bytes than the method's `wanted`.
        case wrongLength(index: Int, count: Int, wanted: Int)
        /// More than one key, and the method has no identity headers.
        case noIdentities
        /// More keys than any chain of servers needs.
        case tooMany
    }

    /// Servers between a client and the one that serves it, at most.
    package static let maximumIdentities = 8

    /// The keys of `text`, in order; one or more.
    package static func decode(_ text: some StringProtocol, for method: CipherMethod) throws(Fault) -> [SecretKey] {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 1 + maximumIdentities else { throw .tooMany }
        guard parts.count == 1 || method.hasIdentityHeaders else { throw .noIdentities }
        var keys: [SecretKey] = []
        for (index, part) in parts.enumerated() {
            guard var bytes = Base64.decode(part) else { throw .notBase64(index: index) }
            defer { bytes.withUnsafeMutableBytes { Sodium.wipe($0) } }
            guard bytes.count == method.keyLength else {
                throw .wrongLength(index: index, count: bytes.count, wanted: method.keyLength)
            }
            keys.append(SecretKey(bytes))
        }
        return keys
    }
}
