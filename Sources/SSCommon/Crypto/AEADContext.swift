// One keyed AEAD in one direction. Tags are appended; there is no associated data (SIP004, SIP022).
internal import CCrypto

/// A keyed AEAD that either seals or opens.
package struct AEADContext: ~Copyable {
    package enum Direction: Sendable {
        /// Encrypts and appends the tag.
        case seal
        /// Checks the tag and decrypts.
        case open
    }

    private let algorithm: AEADAlgorithm
    /// Nil before the first key.
    private var keyed: OpaquePointer?

    /// An unkeyed context; `rekey` before use.
    package init(_ algorithm: AEADAlgorithm, _ direction: Direction) {
        self.algorithm = algorithm
    }

    deinit {
        if let keyed { ss_aead_free(keyed) }
    }

    /// Takes a new key of the algorithm's length.
    package mutating func rekey(_ key: UnsafeRawBufferPointer) {
        precondition(key.count == algorithm.keyLength, "key of the wrong length")
        let bytes = key.baseAddress!.assumingMemoryBound(to: UInt8.self)
        if let keyed {
            precondition(ss_aead_rekey(keyed, bytes) == 1, "no memory for a cipher")
        } else {
            keyed = ss_aead_new(Self.name(algorithm), bytes)
            precondition(keyed != nil, "no memory for a cipher")
        }
    }

    /// Seals `count` bytes at `source` into `count + 16` at `target`; the two may be the same place, but must
    /// not overlap otherwise.
    package mutating func seal(
        _ source: UnsafeRawPointer, count: Int, to target: UnsafeMutableRawPointer, nonce: borrowing Nonce
    ) {
        let input = source.assumingMemoryBound(to: UInt8.self)
        let output = target.assumingMemoryBound(to: UInt8.self)
        nonce.withUnsafeBytes { nonce in
            precondition(
                ss_aead_seal(keyed!, output, output + count, nonce, input, count) == 1, "the cipher could not seal")
        }
    }

    /// Opens `count` bytes and the 16-byte tag behind them into `count` bytes at `target`, which may be
    /// `source`. False if the tag does not fit; `target` is then undefined and must not be used.
    package mutating func open(
        _ source: UnsafeRawPointer, count: Int, to target: UnsafeMutableRawPointer, nonce: borrowing Nonce
    ) -> Bool {
        let input = source.assumingMemoryBound(to: UInt8.self)
        let output = target.assumingMemoryBound(to: UInt8.self)
        return nonce.withUnsafeBytes { nonce in
            ss_aead_open(keyed!, output, input + count, nonce, input, count) == 1
        }
    }

    private static func name(_ algorithm: AEADAlgorithm) -> ss_aead_algorithm {
        switch algorithm {
        case .aes128GCM: SS_AES_128_GCM
        case .aes192GCM: SS_AES_192_GCM
        case .aes256GCM: SS_AES_256_GCM
        case .chacha20Poly1305: SS_CHACHA20_POLY1305
        case .xchacha20Poly1305: SS_XCHACHA20_POLY1305
        }
    }
}
