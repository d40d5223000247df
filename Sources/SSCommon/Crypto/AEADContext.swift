// One keyed AEAD in one direction. Tags are appended; there is no associated data (SIP004, SIP022).
//
// Long pieces go through libcrypto, whose AES-GCM and ChaCha20-Poly1305 are twice as fast as libsodium's. Every operation there
// costs two look-ups of parameters by name, though (libcrypto 3.0), which is more than the work on a short piece: those go
// through libsodium, where it has the cipher. Each chunk starts with a piece of two bytes, so that is half of all
// pieces. libcrypto's object is made when the first long piece comes; an idle or chatty stream never has one.
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
    /// libcrypto's object; nil until a piece needs it.
    private var context: OpaquePointer?
    /// For short pieces; nil where libsodium lacks the cipher.
    private var short: ShortPieceAEAD?

    /// How many bytes are a short piece.
    private let shortPiece: Int

    /// An unkeyed context; `rekey` before use. Up to 256 bytes libsodium is as fast (`Benchmarks` shows it).
    package init(_ algorithm: AEADAlgorithm, _ direction: Direction, shortPiece: Int = 256) {
        _ = Sodium.ready
        self.shortPiece = shortPiece
        self.algorithm = algorithm
        self.direction = direction
        short = ShortPieceAEAD(algorithm)
        context = short == nil ? Self.makeContext(algorithm, direction) : nil
    }

    private static func makeContext(_ algorithm: AEADAlgorithm, _ direction: Direction) -> OpaquePointer {
        guard let context = EVP_CIPHER_CTX_new() else { fatalError("no memory for a cipher") }
        let ok = EVP_CipherInit_ex(context, cipher(algorithm), nil, nil, nil, direction == .seal ? 1 : 0)
        precondition(ok == 1, "libcrypto lacks \(algorithm)")
        return context
    }

    deinit {
        if let context { EVP_CIPHER_CTX_free(context) }
    }

    /// Takes a new key of the algorithm's length.
    package mutating func rekey(_ key: UnsafeRawBufferPointer) {
        precondition(key.count == algorithm.keyLength, "key of the wrong length")
        short?.rekey(key)
        if let context { Self.rekey(context, algorithm, key.baseAddress!) }
    }

    private static func rekey(_ context: OpaquePointer, _ algorithm: AEADAlgorithm, _ key: UnsafeRawPointer) {
        // XChaCha's cipher key changes with every nonce.
        if algorithm == .xchacha20Poly1305 { return }
        let ok = EVP_CipherInit_ex(context, nil, nil, key.assumingMemoryBound(to: UInt8.self), nil, -1)
        precondition(ok == 1, "libcrypto refused a key")
    }

    /// libcrypto's object, keyed.
    private mutating func longPieceContext() -> OpaquePointer {
        if let context { return context }
        let made = Self.makeContext(algorithm, direction)
        if let short { Self.rekey(made, algorithm, short.key) }
        context = made
        return made
    }

    /// Seals `count` bytes at `source` into `count + 16` at `target`; the two may be the same place, but must
    /// not overlap otherwise.
    package mutating func seal(
        _ source: UnsafeRawPointer, count: Int, to target: UnsafeMutableRawPointer, nonce: borrowing Nonce
    ) {
        if count <= shortPiece, let short {
            return short.seal(source, count: count, to: target, nonce: nonce)
        }
        let context = longPieceContext()
        var written: CInt = 0
        begin(context, nonce)
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
        if count <= shortPiece, let short {
            return short.open(source, count: count, to: target, nonce: nonce)
        }
        let context = longPieceContext()
        var written: CInt = 0
        begin(context, nonce)
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

    private mutating func begin(_ context: OpaquePointer, _ nonce: borrowing Nonce) {
        nonce.withUnsafeBytes { nonce in
            guard algorithm == .xchacha20Poly1305, let short else {
                precondition(EVP_CipherInit_ex(context, nil, nil, nil, nonce, -1) == 1, "libcrypto refused a nonce")
                return
            }
            withUnsafeTemporaryAllocation(byteCount: 44, alignment: 8) { scratch in
                // Key of this nonce, then RFC 8439's nonce: four zero bytes and the last eight given ones.
                let bytes = scratch.baseAddress!.assumingMemoryBound(to: UInt8.self)
                crypto_core_hchacha20(bytes, nonce, short.key, nil)
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
