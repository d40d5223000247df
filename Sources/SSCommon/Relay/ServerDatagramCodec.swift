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
        /// 0 in SIP004.
        package let packet: UInt64
        package let owner: Accepted
    }

    /// Somebody's classic key.
    private final class ClassicKey {
        let owner: Accepted
        var codec: DatagramCodec

        init(_ owner: Accepted) {
            self.owner = owner
            codec = DatagramCodec(owner.credential)
        }
    }

    package let method: CipherMethod
    // One of the two, by the method's edition.
    private let classic: [ClassicKey]
    private var sessions: ServerDatagramOpener?

    package init(_ keys: AcceptedKeys) {
        method = keys.method
        switch method.edition {
        case .sip004:
            let owners = keys.tried.isEmpty ? keys.shared.map { [$0] } ?? [] : keys.tried
            classic = owners.map { ClassicKey($0) }
        case .sip022:
            classic = []
            sessions = ServerDatagramOpener(keys)
        }
    }

    /// Opens `datagram` into `output`, which must have as much room as it has bytes. `find` knows the sessions by the
    /// client's id; `isFresh` tests and records a salt of SIP004, where `likely` is whose it is likely to be.
    package mutating func open(
        _ datagram: RawSpan, into output: inout OutputRawSpan, now: @autoclosure () -> UnixSeconds,
        random: inout SaltSource, likely: @autoclosure () -> Accepted?,
        isFresh: (Salt) -> Bool, recall: (UInt64) -> UInt64? = { _ in nil },
        find: (UInt64) -> ServerDatagramSession?
    ) throws(StreamFault) -> Opened {
        switch method.edition {
        case .sip004:
            return try openClassic(datagram, into: &output, classic.count > 1 ? likely() : nil, isFresh)
        case .sip022:
            guard
                let opened = try sessions?.open(
                    datagram, into: &output, now: now(), random: &random, recall: recall, find: find)
            else { throw .notAuthentic }
            return Opened(
                address: opened.address, payloadOffset: opened.payloadOffset, session: opened.session,
                isNewSession: opened.isNew, packet: opened.packet, owner: opened.session.owner)
        }
    }

    private func openClassic(
        _ datagram: RawSpan, into output: inout OutputRawSpan, _ likely: Accepted?, _ isFresh: (Salt) -> Bool
    ) throws(StreamFault) -> Opened {
        let first = likely.flatMap { key(of: $0) }
        var keys = classic[...]
        var next = first ?? keys.popFirst()
        while let key = next {
            next = keys.popFirst()
            if next === first { next = keys.popFirst() }
            let start = output.byteCount
            let opened: (address: TargetAddress, salt: Salt, payloadOffset: Int)
            do throws(StreamFault) {
                opened = try key.codec.open(datagram, into: &output)
            } catch {
                // Only this key opens what says no address.
                guard next != nil, output.byteCount == start else { throw error }
                continue
            }
            guard isFresh(opened.salt) else { throw .replayed }
            return Opened(
                address: opened.address, payloadOffset: opened.payloadOffset, session: nil, isNewSession: false,
                packet: 0, owner: key.owner)
        }
        throw .notAuthentic
    }

    private func key(of owner: Accepted) -> ClassicKey? {
        classic.count == 1 ? classic[0] : classic.first { $0.owner.account === owner.account }
    }

    /// An upper bound on the bytes an answer from `address` to `owner` grows by.
    package func overhead(for address: TargetAddress, _ owner: Accepted, _ session: ServerDatagramSession?) -> Int {
        session?.overhead(for: address) ?? key(of: owner)?.codec.overhead(for: address) ?? 0
    }

    /// Appends the sealed answer to `output`, which must have room for the payload and `overhead`. The result is its salt
    /// in SIP004, which is not to be taken from anybody else; nothing is appended for who is served no more.
    package mutating func seal(
        _ payload: RawSpan, address: TargetAddress, _ owner: Accepted, _ session: ServerDatagramSession?,
        now: @autoclosure () -> UnixSeconds,
        random: inout SaltSource, into output: inout OutputRawSpan
    ) -> Salt? {
        if let session {
            session.seal(payload, address: address, now: now(), random: &random, into: &output)
            return nil
        }
        guard let key = key(of: owner) else { return nil }
        let salt = random.next(for: method)
        key.codec.seal(payload, address: address, salt: salt, into: &output)
        return salt
    }
}
