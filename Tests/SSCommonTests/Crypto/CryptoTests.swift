import CCrypto
import CSodium
import Testing

@testable import SSCommon

@Suite("Crypto")
struct CryptoTests {
    @Test(
        "A password's master key is EVP_BytesToKey's",
        arguments: [
            ("barfoo!", "b3adc47839e047eb228870526dc8fc30b347287ffca3045dcea06b3fdf090acb"),
            ("test", "098f6bcd4621d373cade4e832627b4f60a9172716ae6428409885b8b829ccb05"),
            ("password", "5f4dcc3b5aa765d61d8327deb882cf992b95990a9151374abd8ff8c5a7a0fe08"),
        ])
    func masterKey(password: String, expected: String) {
        for method in [CipherMethod.aes128GCM, .aes192GCM, .aes256GCM] {
            let key = MasterKey.derive(password: password, method: method)
            #expect(key.withUnsafeBytes { [UInt8]($0) } == Array(hex(expected).prefix(method.keyLength)))
        }
    }

    @Test(
        "The session subkey is the published one",
        arguments: [
            (16, "9cd21fb890a57fbe98653cbadd4d047c"),
            (32, "6e62f41174d7879ffea269ebf7805b730f62002e2b461f4dcb2a21dfb6f6423e"),
        ])
    func subkey(length: Int, expected: String) {
        let master = MasterKey.derive(password: "barfoo!", method: length == 16 ? .aes128GCM : .aes256GCM)
        let salt = [UInt8](0..<UInt8(length))
        var output = [UInt8](repeating: 0, count: length)
        output.withUnsafeMutableBytes { output in
            master.withUnsafeBytes { key in
                salt.withUnsafeBytes { HKDFSHA1.derive(key: key, salt: $0, info: "ss-subkey", into: output) }
            }
        }
        #expect(output == hex(expected))
    }

    @Test("ChaCha and XChaCha agree with libsodium's own", arguments: [0, 1, 63, 64, 65, 1400, 16383])
    func sodiumAgrees(count: Int) {
        let key = Sodium.random(32)
        let plain = Sodium.random(count)
        let nonceBytes = Sodium.random(24)
        let nonce = Nonce(nonceBytes.span.bytes)
        for algorithm in [AEADAlgorithm.chacha20Poly1305, .xchacha20Poly1305] {
            var context = AEADContext(algorithm, .seal)
            key.withUnsafeBytes { context.rekey($0) }
            var sealed = [UInt8](repeating: 0, count: count + 16)
            sealed.withUnsafeMutableBytes { target in
                plain.withUnsafeBytes {
                    // An empty array has no address; any will do for no bytes.
                    context.seal(
                        $0.baseAddress ?? UnsafeRawPointer(target.baseAddress!), count: count, to: target.baseAddress!,
                        nonce: nonce)
                }
            }
            var expected = [UInt8](repeating: 0, count: count + 16)
            if algorithm == .chacha20Poly1305 {
                crypto_aead_chacha20poly1305_ietf_encrypt(
                    &expected, nil, plain, UInt64(count), nil, 0, nil, nonceBytes, key)
            } else {
                crypto_aead_xchacha20poly1305_ietf_encrypt(
                    &expected, nil, plain, UInt64(count), nil, 0, nil, nonceBytes, key)
            }
            #expect(sealed == expected)
        }
    }

    @Test(
        "Sealing in place and opening in place are inverse, and a flipped bit is found",
        arguments: CipherMethod.allCases)
    func inPlace(method: CipherMethod) {
        let key = Sodium.random(method.keyLength)
        var sealer = AEADContext(method.aead, .seal)
        var opener = AEADContext(method.aead, .open)
        key.withUnsafeBytes {
            sealer.rekey($0)
            opener.rekey($0)
        }
        var buffer = [UInt8](0..<100) + [UInt8](repeating: 0, count: 16)
        let nonce = Nonce(counter: 7)
        buffer.withUnsafeMutableBytes { sealer.seal($0.baseAddress!, count: 100, to: $0.baseAddress!, nonce: nonce) }
        for bit in 0..<buffer.count * 8 {
            var altered = buffer
            altered[bit / 8] ^= 1 << (bit % 8)
            let ok = altered.withUnsafeMutableBytes {
                opener.open($0.baseAddress!, count: 100, to: $0.baseAddress!, nonce: nonce)
            }
            #expect(!ok, "bit \(bit)")
        }
        let ok = buffer.withUnsafeMutableBytes {
            opener.open($0.baseAddress!, count: 100, to: $0.baseAddress!, nonce: nonce)
        }
        #expect(ok)
        #expect(Array(buffer[..<100]) == [UInt8](0..<100))
    }

    @Test("BoringSSL is linked, and seals as libcrypto does", arguments: CipherMethod.allCases)
    func ciphers(method: CipherMethod) throws {
        #expect(ss_crypto_is_boringssl() == 1)
        for count in [0, 1, 2, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1400, 16_383, 65_535] {
            let keys = [Sodium.random(method.keyLength), Sodium.random(method.keyLength)]
            let plain = Sodium.random(count)
            let bytes = Sodium.random(24)
            let nonce = Nonce(bytes.span.bytes)
            let sealed = Self.seal(plain, method, keys, nonce)
            if method.aead != .xchacha20Poly1305 {
                #expect(try #require(Libcrypto.seal(plain, method.aead, key: keys[1], nonce: bytes)) == sealed)
            }
            #expect(Self.open(sealed, method, keys, nonce) == plain)
            #expect(Self.open(sealed, method, keys.reversed(), nonce) == nil)
            for place in [0, count / 2, count, count + 15] {
                var altered = sealed
                altered[place] ^= 1
                #expect(Self.open(altered, method, keys, nonce) == nil)
            }
        }
    }

    @Test("Single blocks are libcrypto's, in place too", arguments: [16, 32])
    func blocks(keyLength: Int) throws {
        for _ in 0..<100 {
            let (key, plain) = (Sodium.random(keyLength), Sodium.random(16))
            for direction in [AEADContext.Direction.seal, .open] {
                let expected = try #require(Libcrypto.block(plain, key: key, encrypts: direction == .seal))
                let cipher = key.withUnsafeBytes { AESBlock($0, direction) }
                var apart = [UInt8](repeating: 0, count: 16)
                cipher.apply(plain, to: &apart)
                #expect(apart == expected)
                var block = plain
                block.withUnsafeMutableBytes { cipher.apply($0.baseAddress!, to: $0.baseAddress!) }
                #expect(block == expected)
            }
        }
    }

    @Test("MD5 and SHA-1 are libcrypto's, in pieces too", arguments: [0, 1, 55, 56, 63, 64, 65, 127, 128, 1000])
    func hashes(count: Int) throws {
        let bytes = Sodium.random(count)
        var short = [UInt8](repeating: 0, count: 16)
        ss_md5(bytes, count, &short)
        #expect(try #require(Libcrypto.digest("MD5", bytes)) == short)
        for piece in [1, 7, 64, 1000] {
            var state = ss_sha1()
            ss_sha1_init(&state)
            for start in stride(from: 0, to: count, by: piece) {
                let part = Array(bytes[start..<min(count, start + piece)])
                ss_sha1_update(&state, part, part.count)
            }
            var long = [UInt8](repeating: 0, count: 20)
            ss_sha1_final(&state, &long)
            #expect(try #require(Libcrypto.digest("SHA1", bytes)) == long)
        }
    }

    /// Under the last of the keys.
    private static func seal(_ plain: [UInt8], _ method: CipherMethod, _ keys: [[UInt8]], _ nonce: Nonce) -> [UInt8] {
        var context = AEADContext(method.aead, .seal)
        for key in keys { key.withUnsafeBytes { context.rekey($0) } }
        var buffer = plain + [UInt8](repeating: 0, count: 16)
        buffer.withUnsafeMutableBytes {
            context.seal($0.baseAddress!, count: plain.count, to: $0.baseAddress!, nonce: nonce)
        }
        return buffer
    }

    private static func open(
        _ sealed: [UInt8], _ method: CipherMethod, _ keys: [[UInt8]], _ nonce: Nonce
    ) -> [UInt8]? {
        var context = AEADContext(method.aead, .open)
        for key in keys { key.withUnsafeBytes { context.rekey($0) } }
        var buffer = sealed
        let count = sealed.count - 16
        let isAuthentic = buffer.withUnsafeMutableBytes {
            context.open($0.baseAddress!, count: count, to: $0.baseAddress!, nonce: nonce)
        }
        return isAuthentic ? Array(buffer.prefix(count)) : nil
    }

    @Test("The nonce counts little-endian and carries")
    func nonce() {
        var nonce = Nonce(counter: 0xff)
        nonce.increment()
        #expect(nonce == Nonce(hex("0001").span.bytes))
        nonce = Nonce(counter: 0xffff_ffff)
        nonce.increment()
        #expect(nonce == Nonce(hex("0000000001").span.bytes))
        nonce = Nonce(counter: .max)
        nonce.increment()
        #expect(nonce == Nonce(hex("0000000000000000 01").span.bytes))
        nonce = Nonce([UInt8](repeating: 0xff, count: 24).span.bytes)
        nonce.increment()
        #expect(nonce == Nonce())
    }

    @Test("A key's description shows nothing of it")
    func description() {
        #expect("\(SecretKey([1, 2, 3]))" == "••••")
    }
}
