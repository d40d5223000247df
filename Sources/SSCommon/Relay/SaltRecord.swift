// What is kept in a file of a SIP022 salt, so that a server that was killed knows it when it is back: the salt, the time of day,
// and a check that tells a record from what a disk makes of one that was not written to its end.
internal import CSodium

package struct SaltRecord: Hashable, Sendable {
    /// salt, padded with zeros (32) | its length (1) | time (7) | check (8)
    package static let length = 48

    package let salt: Salt
    package let time: UnixSeconds

    package init(_ salt: Salt, time: UnixSeconds) {
        self.salt = salt
        self.time = time & Self.timeMask
    }

    private static let timeMask: UInt64 = 0x00ff_ffff_ffff_ffff

    /// `key` is that of the file (`SaltFilter.keyLength` bytes).
    package func encoded(key: [UInt8]) -> [UInt8] {
        var bytes = salt.withUnsafeBytes { [UInt8]($0) }
        bytes += [UInt8](repeating: 0, count: Salt.maximumLength - bytes.count)
        append(UInt64(salt.count) << 56 | time, to: &bytes)
        append(Self.check(bytes, key), to: &bytes)
        return bytes
    }

    private func append(_ number: UInt64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
    }

    /// Nil for what is no whole record.
    package init?(_ bytes: RawSpan, key: [UInt8]) {
        guard bytes.byteCount == Self.length else { return nil }
        let checked = bytes.extracting(first: 40)
        guard bytes.bigEndian64(at: 40) == checked.withUnsafeBytes({ Self.check([UInt8]($0), key) }) else { return nil }
        let word = bytes.bigEndian64(at: 32)
        let count = Int(word >> 56)
        guard (1...Salt.maximumLength).contains(count) else { return nil }
        self.init(Salt(bytes.extracting(first: count)), time: word)
    }

    private static func check(_ bytes: [UInt8], _ key: [UInt8]) -> UInt64 {
        var result: UInt64 = 0
        withUnsafeMutableBytes(of: &result) { output in
            _ = crypto_shorthash(
                output.baseAddress!.assumingMemoryBound(to: UInt8.self), bytes, UInt64(bytes.count), key)
        }
        return result
    }
}
