import Testing

@testable import SSCommon

@Suite("Whose datagram it is")
struct AcceptedDatagramsTests {
    private static let target = TargetAddress(host: "example.com", port: 53)!
    private static let source = TargetAddress(host: "127.0.0.1", port: 53)!
    private static let now = Vector2022.time

    /// One port with its table of sessions and salts.
    private struct Server: ~Copyable {
        var codec: ServerDatagramCodec
        var random = SaltSource()
        var sessions: [UInt64: ServerDatagramSession] = [:]
        var salts: Set<Salt> = []

        init(_ keys: AcceptedKeys) { codec = ServerDatagramCodec(keys) }

        mutating func open(
            _ wire: [UInt8], likely: Accepted? = nil
        ) throws(StreamFault) -> (opened: ServerDatagramCodec.Opened, payload: [UInt8]) {
            var opened: ServerDatagramCodec.Opened?
            var salts = salts
            let plain = try collecting(wire.count) { (output) throws(StreamFault) in
                opened = try codec.open(
                    wire.span.bytes, into: &output, now: AcceptedDatagramsTests.now, random: &random, likely: likely,
                    isFresh: { salts.insert($0).inserted }, find: { sessions[$0] })
            }
            self.salts = salts
            guard let opened else { throw .notAuthentic }
            if let session = opened.session { sessions[session.session] = session }
            return (opened, Array(plain[opened.payloadOffset...]))
        }

        mutating func answer(_ payload: [UInt8], _ opened: ServerDatagramCodec.Opened) -> [UInt8] {
            let room = payload.count + codec.overhead(for: source, opened.owner, opened.session)
            return collecting(room) {
                _ = codec.seal(
                    payload.span.bytes, address: source, opened.owner, opened.session,
                    now: AcceptedDatagramsTests.now, random: &random, into: &$0)
            }
        }
    }

    /// Somebody's client, of either edition.
    private struct Client: ~Copyable {
        var codec: DatagramCodec?
        var session: ClientDatagramSession?
        var random = SaltSource()
        let method: CipherMethod

        init(_ credential: Credential, session id: UInt64 = 7) {
            method = credential.method
            switch credential.method.edition {
            case .sip004: codec = DatagramCodec(credential)
            case .sip022: session = ClientDatagramSession(credential, session: id)
            }
        }

        mutating func seal(_ payload: [UInt8]) -> [UInt8] {
            collecting(payload.count + 1_500) { output in
                session?.seal(
                    payload.span.bytes, address: target, now: AcceptedDatagramsTests.now, random: &random, into: &output
                )
                codec?.seal(payload.span.bytes, address: target, salt: random.next(for: method), into: &output)
            }
        }

        mutating func open(_ wire: [UInt8]) throws(StreamFault) -> [UInt8] {
            var offset = 0
            let plain = try collecting(wire.count) { (output) throws(StreamFault) in
                if session != nil {
                    offset =
                        try session?.open(
                            wire.span.bytes, into: &output, now: AcceptedDatagramsTests.now, clock: 0
                        ).payloadOffset ?? 0
                } else {
                    offset = try codec?.open(wire.span.bytes, into: &output).payloadOffset ?? 0
                }
            }
            return Array(plain[offset...])
        }
    }

    private func refusal(_ server: inout Server, _ wire: [UInt8], likely: Accepted? = nil) -> StreamFault? {
        do throws(StreamFault) {
            _ = try server.open(wire, likely: likely)
            return nil
        } catch {
            return error
        }
    }

    @Test("There and back for everybody who is served, each datagram once", arguments: PortPlan.all)
    func served(plan: PortPlan) throws {
        var server = Server(plan.keys)
        for (index, served) in plan.clients.enumerated() {
            var client = Client(served.credential, session: UInt64(index))
            for round in 0..<3 {
                let payload = Sodium.random(round * 700)
                let wire = client.seal(payload)
                let (opened, plain) = try server.open(wire)
                #expect(plain == payload)
                #expect(opened.address == Self.target)
                #expect(opened.owner.user == served.user)
                #expect(opened.isNewSession == (round == 0 && plan.method.edition == .sip022))
                let answer = server.answer(payload, opened)
                #expect(try client.open(answer) == payload)
                for other in plan.clients where !(other.credential.key == served.credential.key) {
                    var stranger = Client(other.credential, session: UInt64(index))
                    #expect(throws: StreamFault.self) { try stranger.open(answer) }
                }
                #expect(refusal(&server, wire) == .replayed)
            }
        }
    }

    @Test("Nobody else is served, and no session begins", arguments: PortPlan.all)
    func strangers(plan: PortPlan) {
        var server = Server(plan.keys)
        for credential in plan.strangers {
            var client = Client(credential)
            #expect(refusal(&server, client.seal([1, 2, 3])) != nil)
        }
        for count in [0, 1, 15, 16, 31, 32, 33, 48, 49, 64, 65, 300] {
            #expect(refusal(&server, Sodium.random(count)) != nil)
        }
        #expect(server.sessions.isEmpty && server.salts.isEmpty)
    }

    @Test("Whoever is likely is only tried first", arguments: PortPlan.all.filter { $0.kind.tried > 0 })
    func likely(plan: PortPlan) throws {
        var server = Server(plan.keys)
        var owners: [Accepted?] = [nil, Accepted(user: "gone", credential: plan.strangers[0])]
        for served in plan.clients {
            var client = Client(served.credential)
            owners.append(try server.open(client.seal([1])).opened.owner)
        }
        for owner in owners {
            for served in plan.clients {
                var client = Client(served.credential)
                #expect(try server.open(client.seal([2]), likely: owner).opened.owner.user == served.user)
            }
            var stranger = Client(plan.strangers[0])
            #expect(refusal(&server, stranger.seal([1]), likely: owner) == .notAuthentic)
        }
    }

    @Test("Who is served no more gets no answer", arguments: PortPlan.all.filter { $0.kind.tried > 0 })
    func gone(plan: PortPlan) throws {
        var server = Server(plan.keys)
        var client = Client(plan.clients[0].credential)
        let opened = try server.open(client.seal([1])).opened
        let port = Credential(method: plan.method, key: plan.clients[plan.clients.count - 1].credential.key)
        server.codec = ServerDatagramCodec(
            AcceptedKeys(trying: [Accepted(user: "other", credential: plan.strangers[0])], shared: port))
        #expect(server.answer([1], opened) == [])
        #expect(refusal(&server, client.seal([2])) == .notAuthentic)
    }

    @Test("A datagram of one user that names another is nobody's")
    func swapped() {
        for plan in PortPlan.all where plan.kind == .named || plan.kind == .both {
            var server = Server(plan.keys)
            // The same session and number, so that the separate headers are the same.
            var one = Client(plan.clients[0].credential)
            var two = Client(plan.clients[1].credential)
            var wire = one.seal([1])
            wire.replaceSubrange(16..<32, with: two.seal([1])[16..<32])
            #expect(refusal(&server, wire) != nil)
            #expect(server.sessions.isEmpty)
        }
    }

    @Test("Nobody gets into a session that is another user's")
    func sessions() throws {
        for plan in PortPlan.all where plan.kind == .named || plan.kind == .both {
            var server = Server(plan.keys)
            var one = Client(plan.clients[0].credential)
            var two = Client(plan.clients[1].credential)
            let first = try server.open(one.seal([1])).opened
            for _ in 0..<3 { #expect(refusal(&server, two.seal([2])) != nil) }
            // And does not harm it.
            #expect(try server.open(one.seal([3])).opened.owner.user == first.owner.user)
            #expect(server.sessions.count == 1)
        }
    }

    @Test("Every truncation and every altered bit of a user's datagram is refused", arguments: PortPlan.all)
    func altered(plan: PortPlan) throws {
        guard plan.kind != .hundredTried else { return }
        var server = Server(plan.keys)
        var client = Client(plan.clients[0].credential)
        let wire = client.seal([9])
        // Padding makes some long; the ends are what differs.
        let bits = Array(0..<min(wire.count, 100) * 8) + Array((wire.count - 20) * 8..<wire.count * 8)
        for count in Set(0..<100).union(wire.count - 20..<wire.count) where count < wire.count {
            #expect(refusal(&server, Array(wire[..<count])) != nil, "\(count) bytes")
        }
        for bit in bits {
            var altered = wire
            altered[bit / 8] ^= 1 << (bit % 8)
            #expect(refusal(&server, altered) != nil, "bit \(bit)")
        }
        #expect(server.sessions.isEmpty && server.salts.isEmpty)
        #expect(try server.open(wire).payload == [9])
    }

    @Test("What one user's key opens and is no request is not tried with others' keys")
    func malformed() {
        for plan in PortPlan.all where plan.kind.tried > 0 {
            var server = Server(plan.keys)
            for client in plan.clients {
                let salt = Salt.random(for: plan.method)
                var context = client.credential.context(.seal, salt: salt)
                var piece: [UInt8] = [9, 9, 9, 9, 9, 9, 9] + [UInt8](repeating: 0, count: 16)
                piece.withUnsafeMutableBytes {
                    context.seal($0.baseAddress!, count: 7, to: $0.baseAddress!, nonce: Nonce())
                }
                let wire = salt.withUnsafeBytes { [UInt8]($0) } + piece
                #expect(refusal(&server, wire) == .malformedAddress)
            }
        }
    }

    @Test("The published datagram is the user's whichever keys there are beside theirs")
    func published() throws {
        for vector in Vector2022.all {
            guard let identity = vector.identity else { continue }
            let port = try Credential(method: vector.cipher, secret: identity.key)
            let alice = Accepted(user: "alice", credential: vector.credential())
            let others = (0..<5).map { Accepted(user: "user \($0)", credential: vector.cipher.testCredential) }
            for shared in [nil, vector.cipher.testCredential] {
                var server = Server(
                    AcceptedKeys(
                        method: vector.cipher, identityKey: port.key, users: others + [alice], shared: shared))
                let (opened, payload) = try server.open(hex(identity.datagram))
                #expect(opened.owner.user == "alice")
                #expect(payload == Array("hello".utf8))
            }
        }
    }
}
