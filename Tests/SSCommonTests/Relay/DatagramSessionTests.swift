import Testing

@testable import SSCommon

@Suite("SIP022 datagrams")
struct DatagramSessionTests {
    private static let target = TargetAddress(host: "example.com", port: 53)!
    private static let source = TargetAddress(host: "127.0.0.1", port: 53)!
    private static let now = Vector2022.time
    private let hello = Array("hello".utf8)

    /// The server's side, with its table of sessions.
    private struct Server: ~Copyable {
        var opener: ServerDatagramOpener
        var random = SaltSource()
        var sessions: [UInt64: ServerDatagramSession] = [:]

        init(_ keys: AcceptedKeys) { opener = ServerDatagramOpener(keys) }

        init(_ credential: Credential) { self.init(AcceptedKeys(credential)) }

        mutating func open(_ wire: [UInt8], now: UInt64 = DatagramSessionTests.now) throws(StreamFault) -> Result {
            var opened: ServerDatagramOpener.Opened?
            let plain = try collecting(wire.count) { (output) throws(StreamFault) in
                opened = try opener.open(
                    wire.span.bytes, into: &output, now: now, random: &random, find: { sessions[$0] })
            }
            guard let opened else { throw .notAuthentic }
            sessions[opened.session.session] = opened.session
            return Result(
                session: opened.session, isNew: opened.isNew, address: opened.address,
                payload: Array(plain[opened.payloadOffset...]))
        }

        mutating func answer(
            _ payload: [UInt8], _ session: ServerDatagramSession, now: UInt64 = DatagramSessionTests.now
        ) -> [UInt8] {
            collecting(payload.count + session.overhead(for: source)) {
                session.seal(payload.span.bytes, address: source, now: now, random: &random, into: &$0)
            }
        }
    }

    private struct Result {
        let session: ServerDatagramSession
        let isNew: Bool
        let address: TargetAddress
        let payload: [UInt8]
    }

    /// The client's side.
    private struct Client: ~Copyable {
        var session: ClientDatagramSession
        var random = SaltSource()

        init(_ credential: Credential, session: UInt64 = 0x0102_0304_0506_0708) {
            self.session = ClientDatagramSession(credential, session: session)
        }

        mutating func seal(_ payload: [UInt8], now: UInt64 = DatagramSessionTests.now) -> [UInt8] {
            collecting(payload.count + session.overhead(for: target)) {
                session.seal(payload.span.bytes, address: target, now: now, random: &random, into: &$0)
            }
        }

        mutating func open(
            _ wire: [UInt8], now: UInt64 = DatagramSessionTests.now, clock: UInt64 = 0
        ) throws(StreamFault) -> (address: TargetAddress, payload: [UInt8]) {
            var opened: (address: TargetAddress, payloadOffset: Int)?
            let plain = try collecting(wire.count) { (output) throws(StreamFault) in
                opened = try session.open(wire.span.bytes, into: &output, now: now, clock: clock)
            }
            guard let opened else { throw .notAuthentic }
            return (opened.address, Array(plain[opened.payloadOffset...]))
        }
    }

    @Test("The published datagrams are opened", arguments: Vector2022.all)
    func vectors(vector: Vector2022) throws {
        var server = Server(vector.credential())
        let up = try server.open(hex(vector.clientDatagram))
        #expect(up.isNew)
        #expect(up.address == Self.target)
        #expect(up.payload == hello)
        var client = Client(vector.credential())
        let down = try client.open(hex(vector.serverDatagram))
        #expect(down.address == Self.source)
        #expect(down.payload == Array("world".utf8))
    }

    @Test("A user's published datagram is opened for the user alone", arguments: Vector2022.all)
    func identified(vector: Vector2022) throws {
        guard let identity = vector.identity else { return }
        let port = try Credential(method: vector.cipher, secret: identity.key)
        let alice = Accepted(user: "alice", credential: vector.credential())
        var server = Server(AcceptedKeys(port: port, users: [alice]))
        let up = try server.open(hex(identity.datagram))
        #expect(up.session.owner.user == "alice")
        #expect(up.payload == hello)
        // The answer is under the user's key, without identities.
        var client = Client(try Credential(method: vector.cipher, secret: identity.key + ":" + vector.key))
        let down = server.answer([1, 2], up.session)
        #expect(try client.open(down).payload == [1, 2])
        let stranger = Accepted(user: "bob", credential: vector.cipher.testCredential)
        var other = Server(AcceptedKeys(port: port, users: [stranger]))
        #expect(refusal(&other, hex(identity.datagram)) == .unknownUser)
    }

    @Test("There and back, in any order, each once", arguments: CipherMethod.all(of: .sip022))
    func mouthToMouth(method: CipherMethod) throws {
        let credential = method.testCredential
        var client = Client(credential)
        var server = Server(credential)
        let wires = (0..<50).map { client.seal([UInt8](repeating: UInt8($0), count: $0 * 20)) }
        #expect(Set(wires.map { Array($0.prefix(16)) }).count == wires.count)
        for index in wires.indices.reversed() {
            let up = try server.open(wires[index])
            #expect(up.isNew == (index == 49))
            #expect(up.payload == [UInt8](repeating: UInt8(index), count: index * 20))
            let answer = server.answer([UInt8(index)], up.session)
            #expect(try client.open(answer).payload == [UInt8(index)])
            #expect(refusal(&client, answer) == .replayed)
        }
        for wire in wires { #expect(refusal(&server, wire) == .replayed) }
        #expect(server.sessions.count == 1)
    }

    @Test("Every truncation and every flipped bit is refused and changes nothing", arguments: Vector2022.all)
    func altered(vector: Vector2022) throws {
        let wire = hex(vector.clientDatagram)
        var server = Server(vector.credential())
        for count in 0..<wire.count { #expect(refusal(&server, Array(wire[..<count])) != nil, "\(count) bytes") }
        for bit in 0..<wire.count * 8 {
            var altered = wire
            altered[bit / 8] ^= 1 << (bit % 8)
            #expect(refusal(&server, altered) != nil, "bit \(bit)")
        }
        #expect(server.sessions.isEmpty)
        #expect(try server.open(wire).payload == hello)
        for bit in 0..<wire.count * 8 {
            var altered = wire
            altered[bit / 8] ^= 1 << (bit % 8)
            #expect(refusal(&server, altered) != nil, "bit \(bit)")
        }
    }

    @Test("A forged number moves no window")
    func forged() throws {
        let credential = CipherMethod.blake3AES256GCM.testCredential
        var client = Client(credential)
        var server = Server(credential)
        let first = try server.open(client.seal([1]))
        // A far number of the same session, with a body that is not authentic.
        var forged = collecting(16) {
            DatagramNumber(session: first.session.session, packet: 1 << 40).encode(into: &$0)
        }
        let block = AESBlock.of(credential.key, .seal)
        forged.withUnsafeMutableBytes { block.apply($0.baseAddress!, to: $0.baseAddress!) }
        #expect(refusal(&server, forged + Sodium.random(60)) == .notAuthentic)
        #expect(try server.open(client.seal([2])).payload == [2])
    }

    @Test("A datagram is good for thirty seconds either way", arguments: CipherMethod.all(of: .sip022))
    func time(method: CipherMethod) throws {
        let credential = method.testCredential
        for distance: Int64 in [-31, -30, 0, 30, 31] {
            var client = Client(credential)
            var server = Server(credential)
            let wire = client.seal([1])
            let now = UInt64(Int64(Self.now) + distance)
            if abs(distance) > 30 {
                #expect(refusal(&server, wire, now: now) == .stale(seconds: -distance))
                #expect(server.sessions.isEmpty)
            } else {
                let up = try server.open(wire, now: now)
                let answer = server.answer([2], up.session, now: now)
                #expect(try client.open(answer).payload == [2])
            }
        }
    }

    @Test(
        "A client goes on with a server that was started anew, as often as it can remember in a minute",
        arguments: [60, 59])
    func restart(pause: UInt64) throws {
        let credential = CipherMethod.blake3AES128GCM.testCredential
        let known = ClientDatagramSession.maximumSessions
        var client = Client(credential)
        var answers: [[UInt8]] = []
        for index in 0...known {
            var server = Server(credential)
            let up = try server.open(client.seal([1]))
            answers.append(server.answer([UInt8(index)], up.session))
        }
        for index in 0..<known {
            #expect(try client.open(answers[index], clock: 100).payload == [UInt8(index)])
        }
        if pause == 60 {
            #expect(try client.open(answers[known], clock: 100 + pause).payload == [UInt8(known)])
        } else {
            #expect(refusal(&client, answers[known], clock: 100 + pause) == .replayed)
        }
        #expect(refusal(&client, answers[1], clock: 200) == .replayed)
    }

    @Test("An answer to another session is refused")
    func foreign() throws {
        for method in CipherMethod.all(of: .sip022) {
            let credential = method.testCredential
            var client = Client(credential)
            var other = Client(credential, session: 99)
            var server = Server(credential)
            let up = try server.open(other.seal([1]))
            #expect(refusal(&client, server.answer([1], up.session)) == .foreignAnswer)
            // What a client sent is no answer either.
            #expect(refusal(&client, other.seal([1])) != nil)
        }
    }

    @Test("Empty datagrams and DNS have no telling size")
    func padding() {
        let credential = CipherMethod.blake3AES256GCM.testCredential
        var client = Client(credential)
        #expect(Set((0..<100).map { _ in client.seal(hello).count }).count > 50)
        for random: UInt32 in [0, 894, 895, 899, 900, .max] {
            #expect((1...895).contains(DatagramHeader.padding(for: 5, port: 53, random: random)))
            #expect((1...900).contains(DatagramHeader.padding(for: 0, port: 443, random: random)))
            #expect(DatagramHeader.padding(for: 5, port: 443, random: random) == 0)
            #expect(DatagramHeader.padding(for: 900, port: 53, random: random) == 0)
        }
    }

    private func refusal(_ server: inout Server, _ wire: [UInt8], now: UInt64 = now) -> StreamFault? {
        do throws(StreamFault) {
            _ = try server.open(wire, now: now)
            return nil
        } catch {
            return error
        }
    }

    private func refusal(_ client: inout Client, _ wire: [UInt8], clock: UInt64 = 0) -> StreamFault? {
        do throws(StreamFault) {
            _ = try client.open(wire, clock: clock)
            return nil
        } catch {
            return error
        }
    }
}
