// The client's half of a SIP022 datagram session (3.2). The server answers in a session of its own, and in another after
// it was started anew: the one in use and the ones before it are known, as far as they matter.

package struct ClientDatagramSession: ~Copyable {
    /// One of the server's sessions that answer ours.
    private final class Answering {
        let session: UInt64
        /// Nil where the pre-shared key itself opens everything.
        var opener: SealedSession?
        var window = PacketWindow()
        /// By the clock that is given to `open`.
        var lastSeen: UInt64 = 0

        init(_ session: UInt64, _ opener: consuming SealedSession?) {
            self.session = session
            self.opener = opener
        }
    }

    /// How long a server session that was replaced keeps its place: as long as its datagrams may still be in time.
    private static let memory = 2 * HeaderTime.tolerance
    /// How many places there are; a server that is started anew more often in a minute has other troubles.
    package static let maximumSessions = 8

    private let session: UInt64
    private let credential: Credential
    private var outgoing: OutgoingSession
    private let incoming: IncomingFrame
    /// Where the pre-shared key itself opens everything.
    private var opener: SealedSession?
    /// The newest first.
    private var answering: [Answering] = []

    /// `session` is random.
    package init(_ credential: Credential, session: UInt64) {
        self.credential = credential
        self.session = session
        outgoing = OutgoingSession(client: credential, session: session)
        incoming = IncomingFrame(credential)
        let hasSessionKeys = credential.method.hasSessionKeys
        opener = hasSessionKeys ? nil : SealedSession(credential, session: session, .open)
    }

    /// An upper bound on the bytes a datagram for `address` grows by.
    package func overhead(for address: TargetAddress) -> Int {
        outgoing.overhead(for: address)
    }

    /// Appends the sealed datagram to `output`, which must have room for the payload and `overhead`.
    package mutating func seal(
        _ payload: RawSpan, address: TargetAddress, now: UnixSeconds, random: inout SaltSource,
        into output: inout OutputRawSpan
    ) {
        outgoing.seal(payload, address: address, now: now, random: &random, into: &output)
    }

    /// Opens `datagram` into `output`, which must have as much room as it has bytes. Returns the address and where in
    /// `output` the payload begins. `clock` counts seconds and never goes back.
    package mutating func open(
        _ datagram: RawSpan, into output: inout OutputRawSpan, now: UnixSeconds, clock: UInt64
    ) throws(StreamFault) -> (address: TargetAddress, payloadOffset: Int) {
        let start = output.byteCount
        let front = try incoming.read(datagram)
        let body = datagram.extracting(droppingFirst: front.bodyOffset)
        let sender: Answering
        let number: DatagramNumber
        var header = start
        if let outside = front.number {
            number = outside
            sender = try self.sender(number, clock)
            try sender.opener?.open(body, into: &output, nonce: front.nonce)
        } else {
            try opener?.open(body, into: &output, nonce: front.nonce)
            header += DatagramNumber.length
            number = DatagramNumber(output.bytes.extracting(start..<header))
            sender = try self.sender(number, clock)
        }
        let (address, offset) = try DatagramHeader.decode(
            output.bytes.extracting(droppingFirst: header), HeaderType.server, client: session, now: now)
        sender.window.record(number.packet)
        sender.lastSeen = clock
        if !answering.contains(where: { $0 === sender }) {
            answering = [sender] + answering.prefix(Self.maximumSessions - 1)
        }
        return (address, header + offset)
    }

    /// Who has sent `number`: a session that is known, or a new one. Throws `.replayed` for a datagram that was seen, and
    /// for one session more than are known at once: to forget one could let its datagrams in again.
    private func sender(_ number: DatagramNumber, _ clock: UInt64) throws(StreamFault) -> Answering {
        if let known = answering.first(where: { $0.session == number.session }) {
            guard known.window.isFresh(number.packet) else { throw .replayed }
            return known
        }
        if answering.count == Self.maximumSessions, let oldest = answering.last,
            clock - oldest.lastSeen < Self.memory
        {
            throw .replayed
        }
        let hasSessionKeys = credential.method.hasSessionKeys
        return Answering(
            number.session, hasSessionKeys ? SealedSession(credential, session: number.session, .open) : nil)
    }
}
