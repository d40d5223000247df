import Testing

@testable import SSCommon

@Suite("Keys of SIP022")
struct PreSharedKeysTests {
    private let short = Base64.encode([UInt8](repeating: 1, count: 16))
    private let long = Base64.encode([UInt8](repeating: 2, count: 32))

    private func fault(_ text: String, _ method: CipherMethod) -> PreSharedKeys.Fault? {
        do throws(PreSharedKeys.Fault) {
            _ = try PreSharedKeys.decode(text, for: method)
            return nil
        } catch {
            return error
        }
    }

    @Test("A key has exactly the method's length; nothing is stretched or cut")
    func lengths() {
        #expect(fault(short, .blake3AES128GCM) == nil)
        #expect(fault(long, .blake3AES256GCM) == nil)
        #expect(fault(long, .blake3ChaCha20Poly1305) == nil)
        #expect(fault(long, .blake3AES128GCM) == .wrongLength(index: 0, count: 32, wanted: 16))
        #expect(fault(short, .blake3AES256GCM) == .wrongLength(index: 0, count: 16, wanted: 32))
        #expect(fault("", .blake3AES256GCM) == .wrongLength(index: 0, count: 0, wanted: 32))
        #expect(fault("no base64!", .blake3AES256GCM) == .notBase64(index: 0))
        #expect(fault(String(long.dropLast()), .blake3AES256GCM) == nil, "padding may be missing")
    }

    @Test("A chain names the servers on the way and ends in the user")
    func chain() throws {
        let keys = (0..<3).map { [UInt8](repeating: UInt8($0), count: 32) }
        let credential = try Credential(
            method: .blake3AES256GCM, secret: keys.map { Base64.encode($0) }.joined(separator: ":"))
        #expect(credential.identities.map { $0.key.withUnsafeBytes { [UInt8]($0) } } == Array(keys[..<2]))
        #expect(credential.key.withUnsafeBytes { [UInt8]($0) } == keys[2])
        #expect(fault("\(long):\(short)", .blake3AES256GCM) == .wrongLength(index: 1, count: 16, wanted: 32))
        #expect(fault("\(long):", .blake3AES256GCM) == .wrongLength(index: 1, count: 0, wanted: 32))
        #expect(fault("\(long):\(long)", .blake3ChaCha20Poly1305) == .noIdentities)
        #expect(fault([String](repeating: long, count: 10).joined(separator: ":"), .blake3AES256GCM) == .tooMany)
    }
}
