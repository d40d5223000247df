// One keyed AEAD in one direction, over libcrypto. The EVP object is made once and kept: making, keying and
// freeing one costs as much as sealing 3 KB. Tags are appended; there is no associated data (SIP004, SIP022).
internal import COpenSSL
internal import CSodium

/// A keyed AEAD that either seals or opens.
package struct AEADContext: ~Copyable {
    package enum Direction: Sendable {
        /// Encrypts and appends the tag.
        case seal
        /// Checks the tag and decrypts.
        case open
    }

    private let algorithm: AEADAlgorithm
    private let direction: Direction
    private let context: OpaquePointer
    /// The long-lived key of XChaCha, whose cipher key changes with every nonce; nil for the others.
    private let longKey: UnsafeMutableRawPointer?

    /// An unkeyed context; `rekey` before use.
    package init(_ algorithm: AEADAlgorithm, _ direction: Direction) {
        _ = Sodium.ready
        self.algorithm = algorithm
        self.direction = direction
        guard let context = EVP_CIPHER_CTX_new() else { fatalError("no memory for a cipher") }
        let ok = EVP_CipherInit_ex(context, Self.cipher(algorithm), nil, nil, nil, direction == .seal ? 1 : 0)
        precondition(ok == 1, "libcrypto lacks \(algorithm)")
        self.context = context
        longKey = algorithm == .xchacha20Poly1305 ? UnsafeMutableRawPointer.allocate(byteCount: 32, alignment: 8) : nil
    }

    deinit {
        EVP_CIPHER_CTX_free(context)
        if let longKey {
            Sodium.wipe(UnsafeMutableRawBufferPointer(start: longKey, count: 32))
            longKey.deallocate()
        }
    }

    /// Takes a new key of the algorithm's length.
    package mutating func rekey(_ key: UnsafeRawBufferPointer) {
        precondition(key.count == algorithm.keyLength, "key of the wrong length")
        if let longKey {
            longKey.copyMemory(from: key.baseAddress!, byteCount: 32)
        } else {
            let ok = EVP_CipherInit_ex(context, nil, nil, key.baseAddress?.assumingMemoryBound(to: UInt8.self), nil, -1)
            precondition(ok == 1, "libcrypto refused a key")
        }
    }

    /// Seals `count` bytes at `source` into `count + 16` at `target`; the two may be the same place, but must
    /// not overlap otherwise.
    package mutating func seal(
        _ source: UnsafeRawPointer, count: Int, to target: UnsafeMutableRawPointer, nonce: borrowing Nonce
    ) {
        var written: CInt = 0
        begin(nonce)
        let output = target.assumingMemoryBound(to: UInt8.self)
        var ok = EVP_EncryptUpdate(context, output, &written, source.assumingMemoryBound(to: UInt8.self), CInt(count))
        ok &= EVP_EncryptFinal_ex(context, output + count, &written)
        ok &= EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, CInt(AEADAlgorithm.tagLength), target + count)
        precondition(ok == 1, "libcrypto could not seal")
    }

    /// Opens `count` bytes and the 16-byte tag behind them into `count` bytes at `target`, which may be
    /// `source`. False if the tag does not fit; `target` is then undefined and must not be used.
    package mutating func open(
        _ source: UnsafeRawPointer, count: Int, to target: UnsafeMutableRawPointer, nonce: borrowing Nonce
    ) -> Bool {
        var written: CInt = 0
        begin(nonce)
        // EVP takes the expected tag through a mutable pointer but only reads it.
        let tag = UnsafeMutableRawPointer(mutating: source + count)
        guard EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, CInt(AEADAlgorithm.tagLength), tag) == 1 else {
            return false
        }
        let output = target.assumingMemoryBound(to: UInt8.self)
        guard EVP_DecryptUpdate(context, output, &written, source.assumingMemoryBound(to: UInt8.self), CInt(count)) == 1
        else { return false }
        return EVP_DecryptFinal_ex(context, output + count, &written) == 1
    }

    private mutating func begin(_ nonce: borrowing Nonce) {
        nonce.withUnsafeBytes { nonce in
            guard let longKey else {
                precondition(EVP_CipherInit_ex(context, nil, nil, nil, nonce, -1) == 1, "libcrypto refused a nonce")
                return
            }
            withUnsafeTemporaryAllocation(byteCount: 44, alignment: 8) { scratch in
                // Key of this nonce, then RFC 8439's nonce: four zero bytes and the last eight given ones.
                let bytes = scratch.baseAddress!.assumingMemoryBound(to: UInt8.self)
                crypto_core_hchacha20(bytes, nonce, longKey.assumingMemoryBound(to: UInt8.self), nil)
                (bytes + 32).update(repeating: 0, count: 4)
                (bytes + 36).update(from: nonce + 16, count: 8)
                precondition(
                    EVP_CipherInit_ex(context, nil, nil, bytes, bytes + 32, -1) == 1, "libcrypto refused a nonce")
                Sodium.wipe(scratch)
            }
        }
    }

    private static func cipher(_ algorithm: AEADAlgorithm) -> OpaquePointer {
        switch algorithm {
        case .aes128GCM: FetchedCipher.aes128GCM.pointer
        case .aes192GCM: FetchedCipher.aes192GCM.pointer
        case .aes256GCM: FetchedCipher.aes256GCM.pointer
        case .chacha20Poly1305, .xchacha20Poly1305: FetchedCipher.chacha20Poly1305.pointer
        }
    }
}

/// An implementation looked up in libcrypto's providers once; `EVP_aes_256_gcm()` would be looked up anew, under
/// a lock, each time a context is made.
private struct FetchedCipher: Sendable {
    // Immutable and reference-counted inside libcrypto; never freed.
    nonisolated(unsafe) let pointer: OpaquePointer

    private init(_ name: String) {
        guard let pointer = EVP_CIPHER_fetch(nil, name, nil) else { fatalError("libcrypto lacks \(name)") }
        self.pointer = pointer
    }

    static let aes128GCM = FetchedCipher("AES-128-GCM")
    static let aes192GCM = FetchedCipher("AES-192-GCM")
    static let aes256GCM = FetchedCipher("AES-256-GCM")
    static let chacha20Poly1305 = FetchedCipher("ChaCha20-Poly1305")
}
