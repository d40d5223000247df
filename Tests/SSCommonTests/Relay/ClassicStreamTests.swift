import Testing

@testable import SSCommon

@Suite("SIP004 streams")
struct ClassicStreamTests {
    static let target = TargetAddress(host: "example.com", port: 80)!

    private func credential(_ vector: ClassicVector) -> Credential {
        let method = CipherMethod(rawValue: vector.method)!
        let credential = Credential(method: method, password: "barfoo!")
        #expect(credential.key.withUnsafeBytes { [UInt8]($0) } == hex(vector.key))
        return credential
    }

    @Test("A request is sealed to the published bytes", arguments: ClassicVector.all)
    func request(vector: ClassicVector) {
        let payload = Array(hex(vector.plain).dropFirst(Self.target.encodedCount))
        var sealer = RequestSealer(credential(vector), target: Self.target, salt: Salt(hex(vector.salt).span.bytes))
        let first = collecting(sealer.sealedCount(payload.count)) {
            sealer.seal(payload.span.bytes, into: &$0, circumstances: .test)
        }
        #expect(first.hexText == vector.stream)
        let hello = Array("hello".utf8)
        let second = collecting(sealer.sealedCount(5)) {
            sealer.seal(hello.span.bytes, into: &$0, circumstances: .test)
        }
        #expect(second.hexText == vector.second)
    }

    @Test("The published request is opened, however it is cut", arguments: ClassicVector.all)
    func open(vector: ClassicVector) throws {
        let wire = hex(vector.stream) + hex(vector.second)
        let expected = Array(hex(vector.plain).dropFirst(Self.target.encodedCount)) + Array("hello".utf8)
        for pieces in everySplit(of: wire) {
            var reader = RequestReader(credential(vector))
            for piece in pieces { try reader.feed(piece) }
            #expect(reader.target == Self.target)
            #expect(reader.payload == expected)
            let isComplete = reader.opener.isComplete
            #expect(isComplete)
        }
    }

    @Test(
        "Every flipped bit of a request is refused, and then nothing is accepted any more", arguments: ClassicVector.all
    )
    func flips(vector: ClassicVector) {
        let wire = hex(vector.stream)
        for bit in 0..<wire.count * 8 {
            var altered = wire
            altered[bit / 8] ^= 1 << (bit % 8)
            var reader = RequestReader(credential(vector))
            #expect(throws: StreamFault.self, "bit \(bit)") {
                try reader.feed(altered)
                if reader.target != nil { throw StreamFault.notAuthentic }
            }
            #expect(reader.target == nil)
            #expect(throws: StreamFault.self) { try reader.feed(wire) }
        }
    }

    @Test("A truncated request waits and is not complete", arguments: ClassicVector.all)
    func truncated(vector: ClassicVector) throws {
        let wire = hex(vector.stream)
        for count in 0..<wire.count {
            var reader = RequestReader(credential(vector))
            try reader.feed(Array(wire[..<count]))
            #expect(reader.target == nil)
            let isComplete = reader.opener.isComplete
            #expect(!isComplete)
        }
    }

    @Test("A salt that was seen is refused after the header, not before")
    func replay() throws {
        let vector = ClassicVector.all[0]
        var reader = RequestReader(credential(vector), isFresh: { _ in false })
        #expect(throws: StreamFault.replayed) { try reader.feed(hex(vector.stream)) }
        var asked = false
        reader = RequestReader(
            credential(vector),
            isFresh: { _ in
                asked = true; return true
            })
        try reader.feed(Array(hex(vector.stream).dropLast()))
        #expect(!asked, "an unfinished header must not record its salt")
    }

    @Test("Two machines mouth to mouth carry any amount either way", arguments: CipherMethod.allCases)
    func mouthToMouth(method: CipherMethod) throws {
        let credential = method.testCredential
        for count in [0, 1, 899, 0x3fff - 15, 0x3fff - 14, 0x3fff, 0x4000, 0x3fff * 2 + 1, 0xffff, 0x10000, 200_000] {
            let payload = Sodium.random(count)
            var sealer = RequestSealer(credential, target: Self.target, salt: .random(for: method))
            let up = collecting(sealer.sealedCount(count)) {
                sealer.seal(payload.span.bytes, into: &$0, circumstances: .test)
            }
            var reader = RequestReader(credential)
            try reader.feed(up)
            #expect(reader.target == Self.target)
            #expect(reader.payload == payload)

            let salt = reader.salt
            let request = try #require(salt)
            var answer = ResponseSealer(credential, salt: .random(for: method), request: request)
            let down = collecting(answer.sealedCount(count)) {
                answer.seal(payload.span.bytes, into: &$0, now: Vector2022.time)
            }
            var opener = ResponseOpener(credential, request: request)
            var consumed = 0
            let opened = try collecting(down.count + 1) { (output) throws(StreamFault) in
                consumed = try opener.receive(down.span.bytes, into: &output, now: Vector2022.time) { _ in true }
            }
            #expect(opened == payload)
            #expect(consumed == down.count)
            let isComplete = opener.isComplete
            #expect(isComplete)
        }
    }

    @Test("An address cut over many chunks is put together")
    func addressOverChunks() throws {
        let credential = Credential(method: .aes128GCM, password: "x")
        let salt = Salt.random(for: .aes128GCM)
        var chunks = ChunkSealer(credential.context(.seal, salt: salt), maximumPayload: 0x3fff)
        var header = collecting(300) { Self.target.encode(into: &$0) }
        header += Array("tail".utf8)
        var wire = salt.withUnsafeBytes { [UInt8]($0) }
        for byte in header {
            wire += collecting(64) { chunks.seal([byte].span.bytes, into: &$0) }
        }
        for pieces in [[wire], wire.map { [$0] }] {
            var reader = RequestReader(credential)
            for piece in pieces { try reader.feed(piece) }
            #expect(reader.target == Self.target)
            #expect(reader.payload == Array("tail".utf8))
        }
    }

    @Test("An authentic header that is no address, or has port 0, is refused and burns no salt")
    func authenticButMalformed() {
        let credential = Credential(method: .aes128GCM, password: "x")
        for plain in [[0, 1], [2, 1, 2, 3, 4, 0, 80], [3, 0, 0, 80], [1, 127, 0, 0, 1, 0, 0]] as [[UInt8]] {
            let salt = Salt.random(for: .aes128GCM)
            var chunks = ChunkSealer(credential.context(.seal, salt: salt), maximumPayload: 0x3fff)
            let wire =
                salt.withUnsafeBytes { [UInt8]($0) } + collecting(64) { chunks.seal(plain.span.bytes, into: &$0) }
            var asked = false
            var reader = RequestReader(
                credential,
                isFresh: { _ in
                    asked = true
                    return true
                })
            #expect(throws: StreamFault.malformedAddress) { try reader.feed(wire) }
            #expect(!asked)
        }
    }

    @Test("A chunk length of zero or beyond 0x3FFF is refused", arguments: [0, 0x4000, 0xffff])
    func chunkLength(length: Int) {
        let credential = Credential(method: .aes256GCM, password: "x")
        let salt = Salt.random(for: .aes256GCM)
        var context = credential.context(.seal, salt: salt)
        var piece = [UInt8(length >> 8), UInt8(length & 255)] + [UInt8](repeating: 0, count: 16)
        piece.withUnsafeMutableBytes { context.seal($0.baseAddress!, count: 2, to: $0.baseAddress!, nonce: Nonce()) }
        var reader = RequestReader(credential)
        let wire = salt.withUnsafeBytes { [UInt8]($0) } + piece
        #expect(throws: StreamFault.badChunkLength) { try reader.feed(wire) }
    }
}
