// HKDF-SHA1 (RFC 5869) with the info "ss-subkey": how SIP004 turns the master key and a salt into the key of
// one stream direction or one datagram. On SHA-1's blocks directly: each connection does this twice
// and each datagram once, and objects would cost more than the ten blocks of hashing.
internal import CCrypto

enum HKDFSHA1 {
    private static let digestLength = 20
    private static let blockLength = 64

    /// The two half-hashed pads of HMAC (RFC 2104) under one key.
    private struct Pads {
        var inner = ss_sha1()
        var outer = ss_sha1()

        /// A key of at most one block.
        init(key: UnsafeRawBufferPointer) {
            Self.absorb(key, pad: 0x36, into: &inner)
            Self.absorb(key, pad: 0x5c, into: &outer)
        }

        private static func absorb(_ key: UnsafeRawBufferPointer, pad: UInt8, into state: inout ss_sha1) {
            withUnsafeTemporaryAllocation(byteCount: blockLength, alignment: 8) { block in
                block.initializeMemory(as: UInt8.self, repeating: pad)
                for index in 0..<key.count { block[index] ^= key[index] }
                ss_sha1_init(&state)
                ss_sha1_update(&state, block.baseAddress, blockLength)
                Sodium.wipe(block)
            }
        }

        /// HMAC of what `update` feeds, 20 bytes to `tag`.
        func authenticate(to tag: UnsafeMutablePointer<UInt8>, _ update: (inout ss_sha1) -> Void) {
            var state = inner
            update(&state)
            ss_sha1_final(&state, tag)
            state = outer
            ss_sha1_update(&state, tag, digestLength)
            ss_sha1_final(&state, tag)
        }

        mutating func wipe() {
            withUnsafeMutableBytes(of: &self) { Sodium.wipe($0) }
        }
    }

    /// Derives `output.count` bytes (at most 60) from `key` and a `salt` of at most 64 bytes.
    static func derive(
        key: UnsafeRawBufferPointer, salt: UnsafeRawBufferPointer, info: StaticString,
        into output: UnsafeMutableRawBufferPointer
    ) {
        precondition(salt.count <= blockLength && output.count <= 3 * digestLength, "beyond what a session key needs")
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: digestLength) { block in
            var pads = Pads(key: salt)
            pads.authenticate(to: block.baseAddress!) { ss_sha1_update(&$0, key.baseAddress, key.count) }
            pads = Pads(key: UnsafeRawBufferPointer(block))
            var done = 0
            var counter: UInt8 = 0
            while done < output.count {
                counter += 1
                pads.authenticate(to: block.baseAddress!) { state in
                    if counter > 1 { ss_sha1_update(&state, block.baseAddress, digestLength) }
                    ss_sha1_update(&state, info.utf8Start, info.utf8CodeUnitCount)
                    ss_sha1_update(&state, &counter, 1)
                }
                let take = min(digestLength, output.count - done)
                output.baseAddress!.advanced(by: done).copyMemory(from: block.baseAddress!, byteCount: take)
                done += take
            }
            pads.wipe()
            Sodium.wipe(UnsafeMutableRawBufferPointer(block))
        }
    }
}
