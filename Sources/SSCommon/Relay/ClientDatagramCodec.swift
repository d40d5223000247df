// A client's datagrams, of either edition behind the same calls.

package struct ClientDatagramCodec: ~Copyable {
    private let method: CipherMethod
    // One of the two, by the method's edition.
    private var classic: DatagramCodec?
    private var session: ClientDatagramSession?

    /// `random` gives a session its id.
    package init(_ credential: Credential, random: inout SaltSource) {
        method = credential.method
        switch method.edition {
        case .sip004: classic = DatagramCodec(credential)
        case .sip022: session = ClientDatagramSession(credential, session: random.nextNumber())
        }
    }

    /// An upper bound on the bytes a datagram for `address` grows by.
    package func overhead(for address: TargetAddress) -> Int {
        classic?.overhead(for: address) ?? session?.overhead(for: address) ?? 0
    }

    /// Appends the sealed datagram to `output`, which must have room for the payload and `overhead`. The result is its
    /// salt in SIP004, which is not to be taken from anybody else.
    package mutating func seal(
        _ payload: RawSpan, address: TargetAddress, now: @autoclosure () -> UnixSeconds, random: inout SaltSource,
        into output: inout OutputRawSpan
    ) -> Salt? {
        switch method.edition {
        case .sip004:
            let salt = random.next(for: method)
            classic?.seal(payload, address: address, salt: salt, into: &output)
            return salt
        case .sip022:
            session?.seal(payload, address: address, now: now(), random: &random, into: &output)
            return nil
        }
    }

    /// Opens `datagram` into `output`, which must have as much room as it has bytes. Returns the address and where in
    /// `output` the payload begins. `clock` counts seconds and never goes back; `isFresh` tests and records a salt of
    /// SIP004.
    package mutating func open(
        _ datagram: RawSpan, into output: inout OutputRawSpan, now: @autoclosure () -> UnixSeconds,
        clock: @autoclosure () -> UInt64,
        isFresh: (Salt) -> Bool
    ) throws(StreamFault) -> (address: TargetAddress, payloadOffset: Int) {
        switch method.edition {
        case .sip004:
            guard let opened = try classic?.open(datagram, into: &output), isFresh(opened.salt) else {
                throw .replayed
            }
            return (opened.address, opened.payloadOffset)
        case .sip022:
            guard let opened = try session?.open(datagram, into: &output, now: now(), clock: clock()) else {
                throw .notAuthentic
            }
            return opened
        }
    }
}
