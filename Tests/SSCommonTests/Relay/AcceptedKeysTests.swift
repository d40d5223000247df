import Testing

@testable import SSCommon

@Suite("Whose stream it is")
struct AcceptedKeysTests {
    private static let target = TargetAddress(host: "example.com", port: 80)!
    private let payload = Array("GET / HTTP/1.1\r\n".utf8)
    private let more = Array("more".utf8)

    private func request(_ credential: Credential, salt: Salt? = nil) -> [UInt8] {
        var sealer = RequestSealer(
            credential, target: Self.target, salt: salt ?? .random(for: credential.method))
        return [payload, more].flatMap { plain in
            collecting(sealer.sealedCount(plain.count)) {
                sealer.seal(plain.span.bytes, into: &$0, circumstances: .test)
            }
        }
    }

    @Test("Everybody who is served is known by name, however their request is cut", arguments: PortPlan.all)
    func served(plan: PortPlan) throws {
        for client in plan.clients {
            let wire = request(client.credential)
            // With a hundred users every cut would cost too much; the interesting ones are at the pieces' edges.
            let salt = plan.method.saltLength
            let cuts =
                plan.kind == .hundredTried
                ? [0, 1, salt, salt + 17, salt + 18, salt + 19].map { [Array(wire[..<$0]), Array(wire[$0...])] }
                    + [wire.map { [$0] }]
                : everySplit(of: wire)
            for pieces in cuts {
                var reader = RequestReader(plan.keys)
                for piece in pieces { try reader.feed(piece) }
                #expect(reader.target == Self.target)
                #expect(reader.user == client.user)
                #expect(reader.payload == payload + more)
                let isComplete = reader.opener.isComplete
                #expect(isComplete)
            }
        }
    }

    @Test("The answer is sealed with the key of whoever asked, and nobody else opens it", arguments: PortPlan.all)
    func answered(plan: PortPlan) throws {
        for client in plan.clients {
            var reader = RequestReader(plan.keys)
            try reader.feed(request(client.credential))
            let (owner, salt) = (reader.owner, reader.salt)
            let asked = try #require(salt)
            var sealer = ResponseSealer(
                try #require(owner).credential, salt: .random(for: plan.method), request: asked)
            let wire = collecting(sealer.sealedCount(payload.count)) {
                sealer.seal(payload.span.bytes, into: &$0, now: Vector2022.time)
            }
            for other in plan.clients {
                var opener = ResponseOpener(other.credential, request: asked)
                let plain = try? collecting(wire.count) { (output) throws(StreamFault) in
                    _ = try opener.receive(wire.span.bytes, into: &output, now: Vector2022.time) { _ in true }
                }
                #expect(plain == (other.credential.key == client.credential.key ? payload : nil))
            }
        }
    }

    @Test("Nobody else is served, and they burn no salt", arguments: PortPlan.all)
    func strangers(plan: PortPlan) {
        for (index, credential) in plan.strangers.enumerated() {
            let wire = request(credential)
            for pieces in [[wire], wire.map { [$0] }] {
                var asked = false
                var reader = RequestReader(
                    plan.keys,
                    isFresh: { _ in
                        asked = true
                        return true
                    })
                #expect(throws: StreamFault.self, "stranger \(index)") {
                    for piece in pieces { try reader.feed(piece) }
                }
                #expect(reader.target == nil && reader.payload.isEmpty)
                #expect(!asked)
                // Nothing makes up for it.
                #expect(throws: StreamFault.self) { try reader.feed(request(plan.clients[0].credential)) }
            }
        }
    }

    @Test("A request is waited for until it can be judged, and every altered bit of what names its user is refused")
    func altered() throws {
        for plan in PortPlan.all {
            let (client, salt) = (plan.clients[0].credential, plan.method.saltLength)
            let wire = request(client)
            for count in 0..<salt + 18 {
                var reader = RequestReader(plan.keys)
                try reader.feed(Array(wire[..<count]))
                #expect(reader.target == nil)
            }
            for bit in salt * 8..<(salt + 16) * 8 {
                var altered = wire
                altered[bit / 8] ^= 1 << (bit % 8)
                var reader = RequestReader(plan.keys)
                #expect(throws: StreamFault.self, "\(plan) bit \(bit)") { try reader.feed(altered) }
            }
        }
    }

    @Test("A named user's request with the identity of another is nobody's")
    func swapped() throws {
        for plan in PortPlan.all where plan.kind == .named || plan.kind == .both {
            let salt = Salt.random(for: plan.method)
            var wire = request(plan.clients[0].credential, salt: salt)
            let other = request(plan.clients[1].credential, salt: salt)
            let identity = plan.method.saltLength..<plan.method.saltLength + UserIdentity.length
            wire.replaceSubrange(identity, with: other[identity])
            var reader = RequestReader(plan.keys)
            #expect(throws: StreamFault.notAuthentic) { try reader.feed(wire) }
        }
    }

    @Test("An identity under one salt names nobody under another")
    func moved() {
        for plan in PortPlan.all where plan.kind == .named || plan.kind == .both {
            let wires = (0..<2).map { _ in request(plan.clients[0].credential) }
            let identity = plan.method.saltLength..<plan.method.saltLength + UserIdentity.length
            var wire = wires[0]
            wire.replaceSubrange(identity, with: wires[1][identity])
            var reader = RequestReader(plan.keys)
            #expect(throws: StreamFault.self) { try reader.feed(wire) }
        }
    }

    @Test("A request that comes again is refused for each kind of user", arguments: PortPlan.all)
    func replayed(plan: PortPlan) throws {
        for client in plan.clients {
            var known: Set<Salt> = []
            let wire = request(client.credential)
            for round in 0..<2 {
                let before = known
                var reader = RequestReader(
                    plan.keys, isFresh: { known.insert($0).inserted }, isKnown: { before.contains($0) })
                if round == 0 {
                    try reader.feed(wire)
                } else {
                    #expect(throws: StreamFault.replayed) { try reader.feed(wire) }
                }
            }
        }
    }

    @Test("Random bytes of any length open nothing", arguments: PortPlan.all)
    func random(plan: PortPlan) {
        for count in [0, 1, 17, 34, 49, 50, 51, 66, 75, 91, 221, 402, 1_400] {
            var reader = RequestReader(plan.keys)
            let needed = plan.method.saltLength + (plan.method.edition == .sip004 ? 18 : 43)
            do throws(StreamFault) {
                try reader.feed(Sodium.random(count))
                #expect(count < needed, "\(count) bytes were taken")
            } catch {
                #expect(count >= plan.method.saltLength + 18)
            }
            #expect(reader.target == nil)
        }
    }

    @Test("Users of a port are served on it alone")
    func otherPort() {
        for method in CipherMethod.allCases where method.hasIdentityHeaders {
            let plans = PortPlan.all.filter { $0.method == method && $0.kind != .shared }
            for here in plans {
                for there in plans where there.kind != here.kind {
                    for client in there.clients {
                        var reader = RequestReader(here.keys)
                        #expect(throws: StreamFault.self) { try reader.feed(request(client.credential)) }
                    }
                }
            }
        }
    }

    @Test("The published request is the user's whichever keys there are beside theirs")
    func published() throws {
        for vector in Vector2022.all {
            guard let identity = vector.identity else { continue }
            let port = try Credential(method: vector.cipher, secret: identity.key)
            let others = (0..<5).map { Accepted(user: "user \($0)", credential: vector.cipher.testCredential) }
            let alice = Accepted(user: "alice", credential: vector.credential())
            for keys in [
                AcceptedKeys(port: port, users: others + [alice]),
                AcceptedKeys(
                    method: vector.cipher, identityKey: port.key, users: [alice] + others,
                    shared: vector.cipher.testCredential),
            ] {
                for pieces in everySplit(of: hex(identity.request)) {
                    var reader = RequestReader(keys)
                    for piece in pieces { try reader.feed(piece) }
                    #expect(reader.user == "alice")
                    #expect(reader.payload == payload)
                }
            }
            // The same port with its own key as everybody's, and the user's key as the port's.
            var plain = RequestReader(
                AcceptedKeys(
                    method: vector.cipher, identityKey: port.key, users: others, shared: vector.credential()))
            try plain.feed(hex(vector.request))
            #expect(plain.user == nil)
            #expect(plain.payload == payload)
        }
    }
}

extension SecretKey {
    static func == (a: SecretKey, b: SecretKey) -> Bool {
        a.withUnsafeBytes { a in b.withUnsafeBytes { b in a.elementsEqual(b) } }
    }
}
