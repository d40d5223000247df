import Testing

@testable import SSCommon

@Suite("SIP004 datagrams")
struct DatagramCodecTests {
    static let target = TargetAddress(host: "example.com", port: 53)!

    @Test("A datagram is sealed to the published bytes and opened again", arguments: ClassicVector.all)
    func vectors(vector: ClassicVector) throws {
        let credential = Credential(method: CipherMethod(rawValue: vector.method)!, password: "barfoo!")
        var codec = DatagramCodec(credential)
        let hello = Array("hello".utf8)
        let salt = Salt(hex(vector.salt).span.bytes)
        let sealed = collecting(5 + codec.overhead(for: Self.target)) {
            codec.seal(hello.span.bytes, address: Self.target, salt: salt, into: &$0)
        }
        #expect(sealed.hexText == vector.datagram)
        var found: (address: TargetAddress, salt: Salt, payloadOffset: Int)?
        let plain = try collecting(sealed.count) { (output) throws(StreamFault) in
            found = try codec.open(sealed.span.bytes, into: &output)
        }
        let opened = try #require(found)
        #expect(opened.address == Self.target)
        #expect(opened.salt == salt)
        #expect(Array(plain[opened.payloadOffset...]) == hello)
    }

    @Test("Every truncation and every flipped bit is refused", arguments: ClassicVector.all)
    func altered(vector: ClassicVector) {
        var codec = DatagramCodec(Credential(method: CipherMethod(rawValue: vector.method)!, password: "barfoo!"))
        let wire = hex(vector.datagram)
        for count in 0..<wire.count {
            let isRefused = refuses(&codec, Array(wire[..<count]))
            #expect(isRefused, "\(count) bytes")
        }
        for bit in 0..<wire.count * 8 {
            var altered = wire
            altered[bit / 8] ^= 1 << (bit % 8)
            let isRefused = refuses(&codec, altered)
            #expect(isRefused, "bit \(bit)")
        }
    }

    @Test("A datagram without a whole address is refused")
    func withoutAddress() {
        let credential = Credential(method: .aes128GCM, password: "x")
        var codec = DatagramCodec(credential)
        let salt = Salt.random(for: .aes128GCM)
        var context = credential.context(.seal, salt: salt)
        for plain in [[], [1], [1, 2, 3, 4, 5, 6], [3, 5, 1], [9, 9, 9, 9, 9, 9, 9]] as [[UInt8]] {
            var piece = plain + [UInt8](repeating: 0, count: 16)
            piece.withUnsafeMutableBytes {
                context.seal($0.baseAddress!, count: plain.count, to: $0.baseAddress!, nonce: Nonce())
            }
            let isRefused = refuses(&codec, salt.withUnsafeBytes { [UInt8]($0) } + piece)
            #expect(isRefused)
        }
    }

    private func refuses(_ codec: inout DatagramCodec, _ wire: [UInt8]) -> Bool {
        do throws(StreamFault) {
            _ = try collecting(wire.count) { (output) throws(StreamFault) in
                _ = try codec.open(wire.span.bytes, into: &output)
            }
            return false
        } catch {
            return true
        }
    }
}
