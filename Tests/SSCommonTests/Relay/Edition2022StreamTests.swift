import Testing

@testable import SSCommon

@Suite("SIP022 streams")
struct Edition2022StreamTests {
    static let target = TargetAddress(host: "example.com", port: 80)!
    private let get = Array("GET / HTTP/1.1\r\n".utf8)
    private let hello = Array("hello".utf8)

    @Test("A request is sealed to the published bytes", arguments: Vector2022.all)
    func request(vector: Vector2022) throws {
        var sealer = RequestSealer(vector.credential(), target: Self.target, salt: vector.requestSalt)
        let first = collecting(sealer.sealedCount(get.count)) {
            sealer.seal(get.span.bytes, into: &$0, circumstances: .test)
        }
        #expect(first.hexText == vector.request)
        let second = collecting(sealer.sealedCount(5)) {
            sealer.seal(hello.span.bytes, into: &$0, circumstances: .test)
        }
        #expect(second.hexText == vector.requestChunk)
    }

    @Test("A request without payload is padded", arguments: Vector2022.all)
    func padded(vector: Vector2022) throws {
        var sealer = RequestSealer(vector.credential(), target: Self.target, salt: vector.requestSalt)
        let wire = collecting(sealer.sealedCount(0)) {
            sealer.seal([UInt8]().span.bytes, into: &$0, circumstances: .init(now: Vector2022.time, random: 6))
        }
        #expect(wire.hexText == vector.paddedRequest)
    }

    @Test("A user's request names the user", arguments: Vector2022.all.filter { $0.identity != nil })
    func identified(vector: Vector2022) throws {
        let identity = try #require(vector.identity)
        let credential = try Credential(method: vector.cipher, secret: identity.key + ":" + vector.key)
        var sealer = RequestSealer(credential, target: Self.target, salt: vector.requestSalt)
        let wire = collecting(sealer.sealedCount(get.count)) {
            sealer.seal(get.span.bytes, into: &$0, circumstances: .test)
        }
        #expect(wire.hexText == identity.request)

        let port = try Credential(method: vector.cipher, secret: identity.key)
        let other = vector.cipher.testCredential
        for (user, isKnown) in [(vector.credential(), true), (other, false)] {
            let keys = AcceptedKeys(port: port, users: [Accepted(user: "alice", credential: user)])
            var reader = RequestReader(keys)
            if isKnown {
                try reader.feed(hex(identity.request))
                #expect(reader.user == "alice")
                #expect(reader.payload == get)
            } else {
                #expect(throws: StreamFault.unknownUser) { try reader.feed(hex(identity.request)) }
            }
        }
    }

    @Test("The published request is opened, however it is cut", arguments: Vector2022.all)
    func open(vector: Vector2022) throws {
        for pieces in everySplit(of: hex(vector.request) + hex(vector.requestChunk)) {
            var reader = RequestReader(vector.credential())
            for piece in pieces { try reader.feed(piece) }
            #expect(reader.target == Self.target)
            #expect(reader.payload == get + hello)
            let isComplete = reader.opener.isComplete
            #expect(isComplete)
        }
    }

    @Test("Every flipped bit of a request is refused and burns no salt", arguments: Vector2022.all)
    func flips(vector: Vector2022) {
        let wire = hex(vector.request)
        for bit in 0..<wire.count * 8 {
            var altered = wire
            altered[bit / 8] ^= 1 << (bit % 8)
            var isAsked = false
            var reader = RequestReader(vector.credential()) { _ in
                isAsked = true
                return true
            }
            #expect(throws: StreamFault.self, "bit \(bit)") { try reader.feed(altered) }
            #expect(reader.target == nil)
            #expect(!isAsked)
        }
    }

    @Test("A header is good for thirty seconds either way, and says how far off it is")
    func time() throws {
        let vector = Vector2022.all[0]
        for (distance, isGood) in [(0, true), (30, true), (-30, true), (31, false), (-31, false), (86_400, false)] {
            let now = UInt64(Int64(Vector2022.time) + Int64(distance))
            var reader = RequestReader(AcceptedKeys(vector.credential()), now: now)
            if isGood {
                try reader.feed(hex(vector.request))
                #expect(reader.target == Self.target)
            } else {
                #expect(throws: StreamFault.stale(seconds: -Int64(distance))) { try reader.feed(hex(vector.request)) }
            }
        }
        for now: UInt64 in [0, .max] {
            var reader = RequestReader(AcceptedKeys(vector.credential()), now: now)
            #expect(throws: StreamFault.self) { try reader.feed(hex(vector.request)) }
        }
    }

    @Test("A salt that was seen is refused before the rest of its header is waited for")
    func early() throws {
        let vector = Vector2022.all[0]
        let wire = hex(vector.request)
        let fixed = 16 + RequestFixedHeader.length + 16
        var reader = RequestReader(AcceptedKeys(vector.credential()), isKnown: { $0 == vector.requestSalt })
        try reader.feed(Array(wire[..<(fixed - 1)]))
        #expect(throws: StreamFault.replayed) { try reader.feed([wire[fixed - 1]]) }
    }

    @Test("Headers that are authentic and wrong are refused and burn no salt", arguments: WrongHeader.allCases)
    func wrong(_ wrong: WrongHeader) {
        let credential = CipherMethod.blake3AES128GCM.testCredential
        let salt = Salt.random(for: credential.method)
        var chunks = ChunkSealer(credential.context(.seal, salt: salt), maximumPayload: 0xffff)
        let variable = wrong.variable
        let wire =
            salt.withUnsafeBytes { [UInt8]($0) }
            + collecting(2000) { output in
                chunks.sealPiece(into: &output) {
                    $0.append(wrong == .type ? UInt8(1) : 0)
                    $0.append(bigEndian: Vector2022.time)
                    $0.append(bigEndian: UInt16(variable.count))
                }
                chunks.sealPiece(variable.span.bytes, into: &output)
            }
        var isAsked = false
        var reader = RequestReader(credential) { _ in
            isAsked = true
            return true
        }
        #expect(throws: StreamFault.self) { try reader.feed(wire) }
        #expect(!isAsked)
    }

    enum WrongHeader: CaseIterable {
        case type, neither, tooMuchPadding, paddingBeyondEnd, noPadding, port0, addressType, emptyName, nothing

        var variable: [UInt8] {
            let address: [UInt8] = [1, 127, 0, 0, 1, 0, 80]
            return switch self {
            case .type: address + [0, 1, 0]
            case .neither: address + [0, 0]
            case .tooMuchPadding: address + [3, 133] + [UInt8](repeating: 0, count: 901)
            case .paddingBeyondEnd: address + [0, 9, 0]
            case .noPadding: address
            case .port0: [1, 127, 0, 0, 1, 0, 0, 0, 1, 0]
            case .addressType: [2, 127, 0, 0, 1, 0, 80, 0, 1, 0]
            case .emptyName: [3, 0, 0, 80, 0, 1, 0]
            case .nothing: []
            }
        }
    }

    @Test("An answer is sealed to the published bytes and opened again, however it is cut", arguments: Vector2022.all)
    func response(vector: Vector2022) throws {
        let credential = vector.credential()
        let ok = hex("485454502f312e3120323030204f4b0d0a")
        let world = Array("world".utf8)
        var sealer = ResponseSealer(
            credential, salt: Salt(hex(vector.responseSalt).span.bytes), request: vector.requestSalt)
        let first = collecting(sealer.sealedCount(ok.count)) {
            sealer.seal(ok.span.bytes, into: &$0, now: Vector2022.time + 1)
        }
        #expect(first.hexText == vector.response)
        let second = collecting(sealer.sealedCount(5)) {
            sealer.seal(world.span.bytes, into: &$0, now: Vector2022.time + 1)
        }
        #expect(second.hexText == vector.responseChunk)
        for pieces in everySplit(of: first + second) {
            var opener = ResponseOpener(credential, request: vector.requestSalt)
            var rest: [UInt8] = []
            var plain: [UInt8] = []
            for piece in pieces {
                let input = rest + piece
                var consumed = 0
                plain += try collecting(input.count) { (output) throws(StreamFault) in
                    consumed = try opener.receive(input.span.bytes, into: &output, now: Vector2022.time) { _ in false }
                }
                rest = Array(input[consumed...])
            }
            #expect(plain == ok + world)
        }
    }

    @Test("An answer to another request, from another time, or of a client is refused")
    func wrongResponse() {
        let vector = Vector2022.all[0]
        let wire = hex(vector.response)
        func fault(_ wire: [UInt8], _ request: Salt, _ now: UInt64) -> StreamFault? {
            var opener = ResponseOpener(vector.credential(), request: request)
            do throws(StreamFault) {
                _ = try collecting(wire.count) { (output) throws(StreamFault) in
                    _ = try opener.receive(wire.span.bytes, into: &output, now: now) { _ in true }
                }
                return nil
            } catch {
                return error
            }
        }
        #expect(fault(wire, vector.requestSalt, Vector2022.time) == nil)
        #expect(fault(wire, .random(for: vector.cipher), Vector2022.time) == .foreignAnswer)
        #expect(fault(wire, vector.requestSalt, Vector2022.time + 60) == .stale(seconds: -59))
        // A request sent back.
        #expect(fault(hex(vector.request), vector.requestSalt, Vector2022.time) != nil)
    }

    @Test("Padding hides the size of short first payloads and leaves long ones alone")
    func padding() {
        for random: UInt32 in [0, 1, 899, 900, 901, .max] {
            #expect((1...900).contains(RequestPadding.count(for: 0, random: random)))
            for count in [1, 5, 517, 899] {
                #expect((0...900 - count).contains(RequestPadding.count(for: count, random: random)))
            }
            for count in [900, 901, 65_000] { #expect(RequestPadding.count(for: count, random: random) == 0) }
        }
        #expect(Set((0..<900).map { RequestPadding.count(for: 0, random: $0) }) == Set(1...900))
    }
}
