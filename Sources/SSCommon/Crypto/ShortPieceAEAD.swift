// libsodium's side of an AEAD context: little code and no set-up for each piece. It has AES-GCM for 256-bit keys only, and
// only where the processor has instructions for it.
internal import CSodium

/// The key, and what libsodium precomputes from it. Owned by one `AEADContext`, which is not copied.
final class ShortPieceAEAD {
    private enum Kind {
        /// With the state that libsodium precomputes.
        case aes256GCM(UnsafeMutablePointer<crypto_aead_aes256gcm_state>)
        /// RFC 8439.
        case chacha20Poly1305
        /// draft-irtf-cfrg-xchacha-03.
        case xchacha20Poly1305
    }

    private static let hasAES: Bool = {
        _ = Sodium.ready
        return crypto_aead_aes256gcm_is_available() == 1
    }()

    private let kind: Kind
    /// 32 bytes; wiped at the end.
    let key: UnsafeMutablePointer<UInt8>
    private let storage: UnsafeMutableRawBufferPointer

    /// Nil where libsodium lacks the cipher.
    init?(_ algorithm: AEADAlgorithm) {
        let stateSize = MemoryLayout<crypto_aead_aes256gcm_state>.size
        switch algorithm {
        case .aes128GCM, .aes192GCM:
            return nil
        case .aes256GCM:
            guard Self.hasAES else { return nil }
            storage = .allocate(byteCount: stateSize + 32, alignment: 16)
            // The state lies at the start of memory that is large and aligned enough for it.
            kind = .aes256GCM(storage.baseAddress!.bindMemory(to: crypto_aead_aes256gcm_state.self, capacity: 1))
            key = (storage.baseAddress! + stateSize).bindMemory(to: UInt8.self, capacity: 32)
        case .chacha20Poly1305:
            storage = .allocate(byteCount: 32, alignment: 16)
            kind = .chacha20Poly1305
            key = storage.baseAddress!.bindMemory(to: UInt8.self, capacity: 32)
        case .xchacha20Poly1305:
            storage = .allocate(byteCount: 32, alignment: 16)
            kind = .xchacha20Poly1305
            key = storage.baseAddress!.bindMemory(to: UInt8.self, capacity: 32)
        }
    }

    deinit {
        Sodium.wipe(storage)
        storage.deallocate()
    }

    /// Takes 32 bytes.
    func rekey(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawPointer(key).copyMemory(from: bytes.baseAddress!, byteCount: 32)
        switch kind {
        case .aes256GCM(let state): crypto_aead_aes256gcm_beforenm(state, key)
        case .chacha20Poly1305, .xchacha20Poly1305: break
        }
    }

    /// As `AEADContext.seal`.
    func seal(_ source: UnsafeRawPointer, count: Int, to target: UnsafeMutableRawPointer, nonce: borrowing Nonce) {
        let input = source.assumingMemoryBound(to: UInt8.self)
        let output = target.assumingMemoryBound(to: UInt8.self)
        let tag = output + count
        let length = UInt64(count)
        let failed = nonce.withUnsafeBytes { nonce in
            switch kind {
            case .aes256GCM(let state):
                crypto_aead_aes256gcm_encrypt_detached_afternm(
                    output, tag, nil, input, length, nil, 0, nil, nonce, state)
            case .chacha20Poly1305:
                crypto_aead_chacha20poly1305_ietf_encrypt_detached(
                    output, tag, nil, input, length, nil, 0, nil, nonce, key)
            case .xchacha20Poly1305:
                crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
                    output, tag, nil, input, length, nil, 0, nil, nonce, key)
            }
        }
        precondition(failed == 0, "libsodium could not seal")
    }

    /// As `AEADContext.open`.
    func open(
        _ source: UnsafeRawPointer, count: Int, to target: UnsafeMutableRawPointer, nonce: borrowing Nonce
    ) -> Bool {
        let input = source.assumingMemoryBound(to: UInt8.self)
        let output = target.assumingMemoryBound(to: UInt8.self)
        let tag = input + count
        let length = UInt64(count)
        return nonce.withUnsafeBytes { nonce in
            switch kind {
            case .aes256GCM(let state):
                crypto_aead_aes256gcm_decrypt_detached_afternm(
                    output, nil, input, length, tag, nil, 0, nonce, state) == 0
            case .chacha20Poly1305:
                crypto_aead_chacha20poly1305_ietf_decrypt_detached(
                    output, nil, input, length, tag, nil, 0, nonce, key) == 0
            case .xchacha20Poly1305:
                crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
                    output, nil, input, length, tag, nil, 0, nonce, key) == 0
            }
        }
    }
}
