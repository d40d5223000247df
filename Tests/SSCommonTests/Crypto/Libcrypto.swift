// The same ciphers and hashes of the system's libcrypto, by its general interface, to hold ours against.
import COpenSSL

@testable import SSCommon

enum Libcrypto {
    /// Sealed with the tag behind it; nil for what libcrypto lacks.
    static func seal(_ plain: [UInt8], _ algorithm: AEADAlgorithm, key: [UInt8], nonce: [UInt8]) -> [UInt8]? {
        guard let name = name(algorithm), let context = begin(name, key, Array(nonce.prefix(12)), encrypts: true) else {
            return nil
        }
        defer { EVP_CIPHER_CTX_free(context) }
        var sealed = [UInt8](repeating: 0, count: plain.count + 16)
        var tag = [UInt8](repeating: 0, count: 16)
        var written: CInt = 0
        var rest: CInt = 0
        guard EVP_CipherUpdate(context, &sealed, &written, plain, CInt(plain.count)) == 1,
            EVP_CipherFinal_ex(context, &tag, &rest) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, &tag) == 1
        else { return nil }
        sealed.replaceSubrange(plain.count..., with: tag)
        return sealed
    }

    /// One block of AES under a key of 16 or 32 bytes.
    static func block(_ block: [UInt8], key: [UInt8], encrypts: Bool) -> [UInt8]? {
        guard let context = begin("AES-\(key.count * 8)-ECB", key, [], encrypts: encrypts) else { return nil }
        defer { EVP_CIPHER_CTX_free(context) }
        EVP_CIPHER_CTX_set_padding(context, 0)
        var result = [UInt8](repeating: 0, count: 16)
        var written: CInt = 0
        return EVP_CipherUpdate(context, &result, &written, block, 16) == 1 ? result : nil
    }

    static func digest(_ name: String, _ bytes: [UInt8]) -> [UInt8]? {
        guard let digest = EVP_MD_fetch(nil, name, nil) else { return nil }
        defer { EVP_MD_free(digest) }
        var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: CUnsignedInt = 0
        guard EVP_Digest(bytes, bytes.count, &result, &count, digest, nil) == 1 else { return nil }
        return Array(result.prefix(Int(count)))
    }

    private static func name(_ algorithm: AEADAlgorithm) -> String? {
        switch algorithm {
        case .aes128GCM: "AES-128-GCM"
        case .aes192GCM: "AES-192-GCM"
        case .aes256GCM: "AES-256-GCM"
        case .chacha20Poly1305: "ChaCha20-Poly1305"
        // libsodium's own stands against it.
        case .xchacha20Poly1305: nil
        }
    }

    private static func begin(_ name: String, _ key: [UInt8], _ nonce: [UInt8], encrypts: Bool) -> OpaquePointer? {
        guard let cipher = EVP_CIPHER_fetch(nil, name, nil), let context = EVP_CIPHER_CTX_new() else { return nil }
        defer { EVP_CIPHER_free(cipher) }
        guard EVP_CipherInit_ex(context, cipher, nil, key, nonce.isEmpty ? nil : nonce, encrypts ? 1 : 0) == 1 else {
            EVP_CIPHER_CTX_free(context)
            return nil
        }
        return context
    }
}
