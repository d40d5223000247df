// Bytes that can be checked at any length without being kept: a fixed pseudo-random block, repeated.
import COpenSSL
import Foundation

enum Pattern {
    /// A length that no buffer or chunk size divides, so that a lost or doubled buffer shows.
    static let period = 1_048_573

    static let block: [UInt8] = {
        var state: UInt64 = 0x5353_4532_4500_0001
        return (0..<period).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }()

    /// The first `count` bytes.
    static func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += block.prefix(count - bytes.count) }
        return bytes
    }

    /// SHA-256 of the first `count` bytes, in hex.
    static func digest(_ count: Int) -> String {
        let digest = Digest()
        var left = count
        while left > 0 {
            let part = min(left, period)
            block.withUnsafeBytes { digest.add(UnsafeRawBufferPointer(rebasing: $0[..<part])) }
            left -= part
        }
        return digest.hex()
    }

    /// Writes the first `count` bytes to `socket`, in pieces; `sent` hears of each.
    static func send(_ count: Int, on socket: Socket, seconds: Double = 60, sent: (Int) -> Void = { _ in }) throws {
        socket.setTimeout(SO_SNDTIMEO, seconds)
        var done = 0
        while done < count {
            let start = done % period
            let part = min(256 << 10, count - done, period - start)
            try block.withUnsafeBytes { try socket.sendAll(UnsafeRawBufferPointer(rebasing: $0[start..<start + part])) }
            done += part
            sent(done)
        }
    }
}

/// SHA-256 as the bytes come.
final class Digest {
    // The context belongs to this object alone, which is used on one thread and frees it in deinit.
    private let context: OpaquePointer
    private(set) var count = 0

    init() {
        guard let made = EVP_MD_CTX_new() else { preconditionFailure("EVP_MD_CTX_new has no memory") }
        context = made
        precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "SHA-256 is part of every libcrypto")
    }

    deinit { EVP_MD_CTX_free(context) }

    func add(_ bytes: UnsafeRawBufferPointer) {
        EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        count += bytes.count
    }

    func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { add($0) } }

    func hex() -> String {
        var out = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        EVP_DigestFinal_ex(context, &out, &length)
        return out.map { String(format: "%02x", $0) }.joined()
    }
}
