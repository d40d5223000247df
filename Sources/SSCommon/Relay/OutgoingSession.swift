// The writing half of a SIP022 datagram session (3.2), the same at both ends: datagrams are numbered, timed and padded.

struct OutgoingSession: ~Copyable {
    private let type: UInt8
    private let session: UInt64
    /// The session that a server answers; nil on a client.
    private let client: UInt64?
    private let frame: OutgoingFrame
    private var sealer: SealedSession
    private var nextPacket: UInt64 = 0

    /// A client's; `session` is random.
    init(client credential: Credential, session: UInt64) {
        type = HeaderType.client
        self.session = session
        client = nil
        frame = OutgoingFrame(client: credential)
        sealer = SealedSession(credential, session: session, .seal)
    }

    /// A server's, which answers a `client`'s session; `session` is random.
    init(answering client: UInt64, of credential: Credential, session: UInt64) {
        type = HeaderType.server
        self.session = session
        self.client = client
        frame = OutgoingFrame(answersOf: credential)
        sealer = SealedSession(credential, session: session, .seal)
    }

    /// An upper bound on the bytes a datagram grows by.
    func overhead(for address: TargetAddress) -> Int {
        frame.length + DatagramHeader.maximumLength + address.encodedCount + AEADAlgorithm.tagLength
    }

    /// Appends the sealed datagram to `output`, which must have room for the payload and `overhead`.
    mutating func seal(
        _ payload: RawSpan, address: TargetAddress, now: UnixSeconds, random: inout SaltSource,
        into output: inout OutputRawSpan
    ) {
        let (start, nonce) = frame.begin(DatagramNumber(session: session, packet: nextPacket), &random, into: &output)
        nextPacket += 1
        let padding = DatagramHeader.padding(for: payload.byteCount, port: address.port, random: random.nextNumber())
        DatagramHeader.encode(type, now: now, client: client, padding: padding, address: address, into: &output)
        output.append(copying: payload)
        sealer.seal(from: start, in: &output, nonce: nonce)
    }
}
