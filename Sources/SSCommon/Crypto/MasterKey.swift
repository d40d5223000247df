// SIP004: the master key of a password is EVP_BytesToKey(MD5, no salt, one round), as every classic
// Shadowsocks has it: D1 = MD5(password), Di = MD5(D(i-1) || password), concatenated and cut.
internal import CCrypto

package enum MasterKey {
    /// The key of `password` (its UTF-8 bytes) for `method`.
    package static func derive(password: String, method: CipherMethod) -> SecretKey {
        let length = method.keyLength
        var password = [UInt8](password.utf8)
        var digest: [UInt8] = []
        var derived: [UInt8] = []
        derived.reserveCapacity(length + 16)
        while derived.count < length {
            var input = digest + password
            digest = [UInt8](repeating: 0, count: 16)
            ss_md5(input, input.count, &digest)
            derived += digest
            input.withUnsafeMutableBytes { Sodium.wipe($0) }
        }
        let key = SecretKey(Array(derived.prefix(length)))
        derived.withUnsafeMutableBytes { Sodium.wipe($0) }
        digest.withUnsafeMutableBytes { Sodium.wipe($0) }
        password.withUnsafeMutableBytes { Sodium.wipe($0) }
        return key
    }
}
