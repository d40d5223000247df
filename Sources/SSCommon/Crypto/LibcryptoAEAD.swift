// The AEADs of the system's libcrypto: what is used where BoringSSL is not linked, and what tests hold BoringSSL's against.
internal import COpenSSL
internal import CSodium

/// A keyed AEAD in one direction. Owned by one `AEADContext`, which is not copied.
final class LibcryptoAEAD {
    private let algorithm: AEADAlgorithm
    private let context: OpaquePointer
    /// XChaCha's own key, from which each nonce makes the cipher's; empty with the others. Wiped at the end.
    private let key: UnsafeMutableRawBufferPointer

    init(_ algorithm: AEADAlgorithm, _ direction: AEADContext.Direction) {
        guard let context = EVP_CIPHER_CTX_new() else { fatalError("no memory for a cipher") }
        let cipher = Self.cipher(algorithm).pointer
        let ok = EVP_CipherInit_ex(context, cipher, nil, nil, nil, direction == .seal ? 1 : 0)
        precondition(ok == 1, "libcrypto lacks \(algorithm)")
        self.algorithm = algorithm
        self.context = context
        key = .allocate(byteCount: algorithm == .xchacha20Poly1305 ? 32 : 0, alignment: 8)
    }

    deinit {
        EVP_CIPHER_CTX_free(context)
        Sodium.wipe(key)
        key.deallocate()
    }

    /// Takes a new key of the algorithm's length.
    func rekey(_ bytes: UnsafeRawBufferPointer) {
        if algorithm == .xchacha20Poly1305 { return key.copyMemory(from: bytes) }
        let bytes = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
        precondition(EVP_CipherInit_ex(context, nil, nil, bytes, nil, -1) == 1, "libcrypto refused a key")
    }

    /// As `AEADContext.seal`.
    func seal(
        _ source: UnsafePointer<UInt8>, count: Int, to target: UnsafeMutablePointer<UInt8>, nonce: UnsafePointer<UInt8>
    ) {
        var written: CInt = 0
        begin(nonce)
        var ok = EVP_EncryptUpdate(context, target, &written, source, CInt(count))
        ok &= EVP_EncryptFinal_ex(context, target + count, &written)
        ok &= EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, CInt(AEADAlgorithm.tagLength), target + count)
        precondition(ok == 1, "libcrypto could not seal")
    }

    /// As `AEADContext.open`.
    func open(
        _ source: UnsafePointer<UInt8>, count: Int, to target: UnsafeMutablePointer<UInt8>, nonce: UnsafePointer<UInt8>
    ) -> Bool {
        var written: CInt = 0
        begin(nonce)
        // EVP takes the expected tag through a mutable pointer but only reads it.
        let tag = UnsafeMutablePointer(mutating: source + count)
        guard EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, CInt(AEADAlgorithm.tagLength), tag) == 1,
            EVP_DecryptUpdate(context, target, &written, source, CInt(count)) == 1
        else { return false }
        return EVP_DecryptFinal_ex(context, target + count, &written) == 1
    }

    private func begin(_ nonce: UnsafePointer<UInt8>) {
        guard algorithm == .xchacha20Poly1305 else {
            precondition(EVP_CipherInit_ex(context, nil, nil, nil, nonce, -1) == 1, "libcrypto refused a nonce")
            return
        }
        withUnsafeTemporaryAllocation(byteCount: 44, alignment: 8) { scratch in
            // Key of this nonce, then RFC 8439's nonce: four zero bytes and the last eight given ones.
            let bytes = scratch.baseAddress!.assumingMemoryBound(to: UInt8.self)
            crypto_core_hchacha20(bytes, nonce, key.baseAddress!.assumingMemoryBound(to: UInt8.self), nil)
            (bytes + 32).update(repeating: 0, count: 4)
            (bytes + 36).update(from: nonce + 16, count: 8)
            precondition(
                EVP_CipherInit_ex(context, nil, nil, bytes, bytes + 32, -1) == 1, "libcrypto refused a nonce")
            Sodium.wipe(scratch)
        }
    }

    private static func cipher(_ algorithm: AEADAlgorithm) -> FetchedCipher {
        switch algorithm {
        case .aes128GCM: .aes128GCM
        case .aes192GCM: .aes192GCM
        case .aes256GCM: .aes256GCM
        case .chacha20Poly1305, .xchacha20Poly1305: .chacha20Poly1305
        }
    }
}
