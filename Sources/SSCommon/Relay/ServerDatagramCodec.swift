// A server's datagrams, of either edition behind the same calls. SIP004 knows clients by their addresses, SIP022 by the
// sessions their datagrams belong to.

package struct ServerDatagramCodec: ~Copyable {
    /// A datagram that is authentic, new and well formed.
    package struct Opened {
        package let address: TargetAddress
        package let payloadOffset: Int
        /// Nil in SIP004.
        package let session: ServerDatagramSession?
        /// The session began with this datagram.
        package let isNewSession: Bool
        package let owner: Accepted
    }

    package let method: CipherMethod
    private let anybody: Accepted
    // One of the two, by the method's edition.
    private var classic: DatagramCodec?
    private var sessions: ServerDatagramOpener?

    package init(_ keys: AcceptedKeys) {
        method = keys.method
        anybody = Accepted(credential: keys.portCredential)
        switch method.edition {
        case .sip004: classic = DatagramCodec(keys.portCredential)
        case .sip022: sessions = ServerDatagramOpener(keys)
        }
    }

    /// Opens `datagram` into `output`, which must have as much room as it has bytes. `find` knows the sessions by the
    /// client's id; `isFresh` tests and records a salt of SIP004.
    package mutating func open(
        _ datagram: RawSpan, into output: inout OutputRawSpan, now: @autoclosure () -> UnixSeconds,
        random: inout SaltSource,
        isFresh: (Salt) -> Bool, find: (UInt64) -> ServerDatagramSession?
    ) throws(StreamFault) -> Opened {
        switch method.edition {
        case .sip004:
            guard let opened = try classic?.open(datagram, into: &output), isFresh(opened.salt) else {
                throw .replayed
            }
            return Opened(
                address: opened.address, payloadOffset: opened.payloadOffset, session: nil, isNewSession: false,
                owner: anybody)
        case .sip022:
            guard
                let opened = try sessions?.open(datagram, into: &output, now: now(), random: &random, find: find)
            else { throw .notAuthentic }
            return Opened(
                address: opened.address, payloadOffset: opened.payloadOffset, session: opened.session,
                isNewSession: opened.isNew, owner: opened.session.owner)
        }
    }

    /// An upper bound on the bytes an answer from `address` grows by.
    package func overhead(for address: TargetAddress, _ session: ServerDatagramSession?) -> Int {
        session?.overhead(for: address) ?? classic?.overhead(for: address) ?? 0
    }

    /// Appends the sealed answer to `output`, which must have room for the payload and `overhead`. The result is its salt
    /// in SIP004, which is not to be taken from anybody else.
    package mutating func seal(
        _ payload: RawSpan, address: TargetAddress, _ session: ServerDatagramSession?,
        now: @autoclosure () -> UnixSeconds,
        random: inout SaltSource, into output: inout OutputRawSpan
    ) -> Salt? {
        if let session {
            session.seal(payload, address: address, now: now(), random: &random, into: &output)
            return nil
        }
        let salt = random.next(for: method)
        classic?.seal(payload, address: address, salt: salt, into: &output)
        return salt
    }
}
