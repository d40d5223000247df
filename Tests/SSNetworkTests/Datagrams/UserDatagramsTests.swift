import NIOCore
import SSCommon
import Testing

@testable import SSNetwork

@Suite("Users' UDP on the server", .serialized)
struct UserDatagramsTests {
    private struct Policy: DatagramPolicy {
        func allows(_ destination: Endpoint, from sender: DatagramSender) -> Bool { true }
        func resolve(
            _ name: HostName, port: UInt16, from sender: DatagramSender, on eventLoop: any EventLoop
        ) -> EventLoopFuture<[IPAddress]> {
            eventLoop.makeFailedFuture(DialError.nameNotFound)
        }
    }

    /// A port, its users, and a target that answers with what it gets.
    private struct Rig {
        let method: CipherMethod
        let own: Credential
        let identity: SecretKey
        let ring: KeyRing
        let ledger = TrafficLedger()
        let port: DatagramPort
        let echo: DatagramPeer

        init(_ method: CipherMethod) async throws {
            self.method = method
            own = Credential(method: method, key: SecretKey(Sodium.random(method.keyLength)))
            identity = SecretKey(Sodium.random(method.keyLength))
            ring = KeyRing(AcceptedKeys(own))
            let counters = ledger.makeCounters()
            port = try await DatagramPort.open(
                Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0), on: TestEngine.group.any(), batch: 4, onLoss: { _ in },
                handler: { [ring] in
                    ServerDatagramHandler(
                        ring, policy: Policy(), counters: counters, replay: ReplayGuard(capacity: 10_000),
                        limit: 4_096, lifetime: .seconds(60))
                }
            ).get()
            echo = try await DatagramPeer(echoes: true)
        }

        func serve(_ users: [User]) {
            let accepted = users.map { Accepted(credential: $0.credential, account: $0.account) }
            ring.change(
                to: method.hasIdentityHeaders
                    ? AcceptedKeys(method: method, identityKey: identity, users: accepted, shared: own)
                    : AcceptedKeys(trying: accepted, shared: own))
        }

        var target: TargetAddress { TargetAddress(.ip(echo.endpoint.address), port: echo.endpoint.port) }

        /// Whether the server comes to have so many associations open, within ten seconds.
        func opens(_ count: UInt64) async throws -> Bool {
            for _ in 0..<500 {
                if ledger.snapshot().associationsOpen == count { return true }
                try await Task.sleep(for: .milliseconds(20))
            }
            return false
        }

        func end() async throws {
            try await port.close().get()
            try await echo.close()
        }
    }

    private struct User {
        let credential: Credential
        let account: UserAccount

        init(_ name: String, _ method: CipherMethod, quota: UInt64? = nil, rate: UInt64? = nil) {
            credential = Credential(method: method, key: SecretKey(Sodium.random(method.keyLength)))
            account = UserAccount(name: name)
            account.setLimits(quota: quota, rate: rate, streams: nil)
            account.judge(nil)
        }
    }

    /// Somebody's client with a socket.
    private final class Client {
        private var session: ClientDatagramSession?
        private var codec: DatagramCodec?
        private var random = SaltSource()
        private let method: CipherMethod
        let peer: DatagramPeer

        /// `user` or, if nil, whoever has the port's own key.
        init(_ user: User?, _ rig: Rig, session id: UInt64, peer: DatagramPeer? = nil) async throws {
            method = rig.method
            self.peer = if let peer { peer } else { try await DatagramPeer() }
            switch method.edition {
            case .sip004: codec = DatagramCodec(user?.credential ?? rig.own)
            case .sip022:
                let credential =
                    user.map { Credential(method: rig.method, key: $0.credential.key, servers: [rig.identity]) }
                session = ClientDatagramSession(credential ?? rig.own, session: id)
            }
        }

        func send(_ payload: [UInt8], _ rig: Rig) async throws {
            var buffer = ByteBuffer()
            buffer.writeWithOutputRawSpan(minimumWritableBytes: payload.count + 1_500) { span in
                session?.seal(
                    payload.span.bytes, address: rig.target, now: WallClock.now(), random: &random, into: &span)
                codec?.seal(payload.span.bytes, address: rig.target, salt: random.next(for: method), into: &span)
            }
            try await peer.send(Array(buffer.readableBytesView), to: rig.port.endpoint)
        }

        /// The payload of the last datagram that came, if it is for this client.
        func last() throws -> [UInt8] {
            let wire = try #require(peer.all.last).bytes
            var buffer = ByteBuffer()
            var offset = 0
            try buffer.writeWithOutputRawSpan(minimumWritableBytes: wire.count) { (span) throws(StreamFault) in
                if session != nil {
                    offset =
                        try session?.open(wire.span.bytes, into: &span, now: WallClock.now(), clock: 0).payloadOffset
                        ?? 0
                } else {
                    offset = try codec?.open(wire.span.bytes, into: &span).payloadOffset ?? 0
                }
            }
            return Array(buffer.readableBytesView.dropFirst(offset))
        }
    }

    private static let methods: [CipherMethod] = [.blake3AES256GCM, .aes128GCM]

    @Test("Users and who has the port's own key are served side by side, each in their own account", arguments: methods)
    func accounts(method: CipherMethod) async throws {
        let rig = try await Rig(method)
        let users = [User("alice", method), User("bob", method)]
        rig.serve(users)
        for (index, user) in [users[0], nil, users[1]].enumerated() {
            let client = try await Client(user, rig, session: UInt64(index + 1))
            for round in 0..<3 {
                let payload = Sodium.random(10 + 100 * index + round)
                try await client.send(payload, rig)
                #expect(try await client.peer.has(round + 1))
                #expect(try client.last() == payload)
            }
            try await client.peer.close()
        }
        #expect(users.map(\.account.reading.up) == [33, 633])
        #expect(users.map(\.account.reading.down) == [33, 633])
        #expect(users.map(\.account.reading.associations) == [1, 1])
        #expect(users.allSatisfy { $0.account.reading.seen > 0 })
        #expect(rig.ledger.snapshot().associationsOpen == 3)
        try await rig.end()
        #expect(users.map(\.account.reading.associations) == [0, 0])
    }

    @Test("A user has 256 associations; another is not theirs to take, and others still get one")
    func limit() async throws {
        let rig = try await Rig(.blake3AES128GCM)
        let (alice, bob) = (User("alice", rig.method), User("bob", rig.method))
        rig.serve([alice, bob])
        let peer = try await DatagramPeer()
        for id: UInt64 in 1...256 {
            let client = try await Client(alice, rig, session: id, peer: peer)
            try await client.send([UInt8(truncatingIfNeeded: id)], rig)
            if id % 16 == 0 { #expect(try await peer.has(Int(id))) }
        }
        #expect(alice.account.reading.associations == 256)
        let one = try await Client(alice, rig, session: 257, peer: peer)
        try await one.send([1], rig)
        let other = try await Client(bob, rig, session: 1_000)
        try await other.send([2], rig)
        #expect(try await other.peer.has(1))
        #expect(peer.all.count == 256)
        #expect(alice.account.reading.associations == 256 && bob.account.reading.associations == 1)
        #expect(rig.echo.all.count == 257)
        for open in [peer, other.peer] { try await open.close() }
        try await rig.end()
        #expect(alice.account.reading.associations == 0)
    }

    @Test(
        "A removed user's association ends, what comes back for it goes nowhere, and others' go on", arguments: methods)
    func removed(method: CipherMethod) async throws {
        let rig = try await Rig(method)
        let (alice, bob) = (User("alice", method), User("bob", method))
        rig.serve([alice, bob])
        let gone = try await Client(alice, rig, session: 1)
        let stays = try await Client(bob, rig, session: 2)
        let own = try await Client(nil, rig, session: 3)
        for client in [gone, stays, own] {
            try await client.send([1], rig)
            #expect(try await client.peer.has(1))
        }
        let outside = rig.echo.all.map(\.source)
        alice.account.judge(.removed)
        rig.serve([bob])
        try await rig.echo.send([9], to: outside[0])
        #expect(try await rig.opens(2))
        #expect(alice.account.reading.associations == 0)
        try await gone.send([2], rig)
        for client in [stays, own] {
            try await client.send([3], rig)
            #expect(try await client.peer.has(2))
            #expect(try client.last() == [3])
        }
        // Through the sockets they had.
        #expect(rig.echo.all.map(\.source) == outside + outside.dropFirst())
        #expect(gone.peer.all.count == 1)
        #expect(alice.account.reading.up == 1 && alice.account.reading.down == 1)
        for client in [gone, stays, own] { try await client.peer.close() }
        try await rig.end()
    }

    @Test("A user who is added while others are served is served with the next datagram", arguments: methods)
    func added(method: CipherMethod) async throws {
        let rig = try await Rig(method)
        let own = try await Client(nil, rig, session: 1)
        try await own.send([1], rig)
        #expect(try await own.peer.has(1))
        let users = (0..<5).map { User("user \($0)", method) }
        var served: [User] = []
        for (index, user) in users.enumerated() {
            let client = try await Client(user, rig, session: UInt64(10 + index))
            try await client.send([0], rig)
            // Whose answer comes when the server has done with what came before.
            try await own.send([2], rig)
            #expect(try await own.peer.has(2 * index + 2))
            served.append(user)
            rig.serve(served)
            try await client.send([UInt8(index)], rig)
            #expect(try await client.peer.has(1))
            #expect(try client.last() == [UInt8(index)])
            try await own.send([2], rig)
            #expect(try await own.peer.has(2 * index + 3))
            try await client.peer.close()
        }
        #expect(users.map(\.account.reading.up) == [1, 1, 1, 1, 1])
        // The one session that was there before anybody was added is there still.
        #expect(Set(rig.echo.all.map(\.source)).count == 6)
        try await own.peer.close()
        try await rig.end()
    }

    @Test("Datagrams end with the quota, and the association too")
    func quota() async throws {
        let rig = try await Rig(.blake3AES256GCM)
        let alice = User("alice", rig.method, quota: 1_000)
        rig.serve([alice])
        let client = try await Client(alice, rig, session: 1)
        for round in 0..<2 {
            try await client.send(Sodium.random(200), rig)
            #expect(try await client.peer.has(round + 1))
        }
        // Up this one passes, and the quota is used up before its answer is all of it.
        try await client.send(Sodium.random(200), rig)
        #expect(try await rig.opens(0))
        try await client.send([1], rig)
        try await Task.sleep(for: .milliseconds(200))
        #expect(client.peer.all.count == 2)
        #expect(alice.account.reading.used == 1_000)
        #expect(alice.account.refusal == .quota)
        try await client.peer.close()
        try await rig.end()
    }

    @Test("Datagrams beyond the rate are dropped and cost nothing")
    func rate() async throws {
        let rig = try await Rig(.aes256GCM)
        let alice = User("alice", rig.method, rate: 10_000)
        rig.serve([alice])
        let client = try await Client(alice, rig, session: 1)
        for _ in 0..<50 { try await client.send(Sodium.random(1_000), rig) }
        #expect(try await client.peer.has(1))
        try await Task.sleep(for: .milliseconds(200))
        // 1000 bytes at once are ahead of the rate, and as much again every tenth of a second.
        let count = client.peer.all.count
        #expect(count >= 1 && count < 30, "\(count)")
        #expect(alice.account.reading.up == UInt64(rig.echo.all.count) * 1_000)
        #expect(alice.account.reading.down == UInt64(count) * 1_000)
        #expect(rig.ledger.snapshot().count(of: .limit) >= 20)
        try await client.peer.close()
        try await rig.end()
    }
}
