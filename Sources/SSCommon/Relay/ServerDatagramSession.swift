// The server's half of SIP022 datagram sessions (3.2). Sessions are told apart by the client's session id, never by its
// address, which may change. Nothing about a session changes before a datagram has proved authentic, new and well formed.

/// One client session, and the one we answer in.
package final class ServerDatagramSession {
    /// The client's.
    package let session: UInt64
    package let owner: Accepted
    private var outgoing: OutgoingSession
    /// Nil where the pre-shared key itself opens everything.
    fileprivate var opener: SealedSession?
    fileprivate var window: PacketWindow

    fileprivate init(
        _ owner: Accepted, session: UInt64, own: UInt64, window: PacketWindow, opener: consuming SealedSession?
    ) {
        self.window = window
        self.owner = owner
        self.session = session
        outgoing = OutgoingSession(answering: session, of: owner.credential, session: own)
        self.opener = opener
    }

    /// An upper bound on the bytes an answer from `address` grows by.
    package func overhead(for address: TargetAddress) -> Int {
        outgoing.overhead(for: address)
    }

    /// Appends the sealed answer to `output`, which must have room for the payload and `overhead`.
    package func seal(
        _ payload: RawSpan, address: TargetAddress, now: UnixSeconds, random: inout SaltSource,
        into output: inout OutputRawSpan
    ) {
        outgoing.seal(payload, address: address, now: now, random: &random, into: &output)
    }
}

/// Opens what clients send to one port.
package struct ServerDatagramOpener: ~Copyable {
    /// A datagram that is authentic, new and well formed.
    package struct Opened {
        package let session: ServerDatagramSession
        /// It began with this datagram.
        package let isNew: Bool
        /// Its number in the session.
        package let packet: UInt64
        package let address: TargetAddress
        package let payloadOffset: Int
    }

    private let keys: AcceptedKeys
    /// Of users who name themselves.
    private let named: IncomingFrame?
    /// Of those who have the port's own key.
    private let shared: (frame: IncomingFrame, owner: Accepted)?
    /// For sessions that are not known: it takes the key of each.
    private var stranger: SealedSession

    package init(_ keys: AcceptedKeys) {
        self.keys = keys
        named = keys.identityCredential.map { IncomingFrame(namedUnder: $0) }
        shared = keys.shared.map { (IncomingFrame($0.credential), $0) }
        guard let any = keys.shared?.credential ?? keys.identityCredential else {
            preconditionFailure("a port without a key")
        }
        stranger = SealedSession(any, session: 0, .open)
    }

    /// What stands in front of the body, and whose it says to be.
    private func front(of datagram: RawSpan) throws(StreamFault) -> (IncomingFrame.Front, Accepted) {
        if let named, let front = try? named.read(datagram), let owner = keys.owner(named: front.identity) {
            return (front, owner)
        }
        guard let shared else { throw .unknownUser }
        return (try shared.frame.read(datagram), shared.owner)
    }

    /// Opens `datagram` into `output`, which must have as much room as it has bytes. `find` knows the sessions by the
    /// client's id, `recall` up to which packet a session that it does not know had come in an earlier run.
    package mutating func open(
        _ datagram: RawSpan, into output: inout OutputRawSpan, now: UnixSeconds, random: inout SaltSource,
        recall: (UInt64) -> UInt64? = { _ in nil }, find: (UInt64) -> ServerDatagramSession?
    ) throws(StreamFault) -> Opened {
        let start = output.byteCount
        let (front, owner) = try front(of: datagram)
        let body = datagram.extracting(droppingFirst: front.bodyOffset)
        let known: ServerDatagramSession?
        let number: DatagramNumber
        var header = start
        if let outside = front.number {
            number = outside
            known = try Self.known(number, find)
            if let known {
                try known.opener?.open(body, into: &output, nonce: front.nonce)
            } else {
                stranger.rekey(owner.credential, session: number.session)
                try stranger.open(body, into: &output, nonce: front.nonce)
            }
        } else {
            try stranger.open(body, into: &output, nonce: front.nonce)
            header += DatagramNumber.length
            number = DatagramNumber(output.bytes.extracting(start..<header))
            known = try Self.known(number, find)
        }
        let (address, offset) = try DatagramHeader.decode(
            output.bytes.extracting(droppingFirst: header), HeaderType.client, client: nil, now: now)
        guard address.port != 0 else { throw .malformedAddress }
        let session: ServerDatagramSession
        if let known {
            session = known
        } else {
            let window = recall(number.session).map { PacketWindow(seenUpTo: $0) } ?? PacketWindow()
            guard window.isFresh(number.packet) else { throw .replayed }
            session = begin(number.session, owner, own: random.nextNumber(), window)
        }
        session.window.record(number.packet)
        return Opened(
            session: session, isNew: known == nil, packet: number.packet, address: address,
            payloadOffset: header + offset)
    }

    private static func known(
        _ number: DatagramNumber, _ find: (UInt64) -> ServerDatagramSession?
    ) throws(StreamFault) -> ServerDatagramSession? {
        guard let known = find(number.session) else { return nil }
        guard known.window.isFresh(number.packet) else { throw .replayed }
        return known
    }

    private func begin(
        _ session: UInt64, _ owner: Accepted, own: UInt64, _ window: PacketWindow
    ) -> ServerDatagramSession {
        let hasSessionKeys = keys.method.hasSessionKeys
        return ServerDatagramSession(
            owner, session: session, own: own, window: window,
            opener: hasSessionKeys ? SealedSession(owner.credential, session: session, .open) : nil)
    }
}
