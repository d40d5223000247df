// The server's reading half. SIP004: salt, then chunks whose payload begins with the target's address. The address may be
// alone in its chunk, share it with payload, or be cut across chunks; all must be taken. SIP022 3.1.3: salt, identity
// header where the port has users, fixed header, variable header, then chunks; all of it may come in pieces, too.
//
// A salt is offered to the replay memory only when the whole header is authentic and well formed: recorded earlier, an
// attacker could burn a salt in flight by sending its first bytes ahead of the real request.

package struct RequestOpener: ~Copyable {
    /// What a call of `receive` found.
    package struct Received {
        /// Bytes of the input that are done with; the caller keeps the rest and brings it again.
        package var consumed: Int
        /// Once: in the call that completed the header.
        package var request: Request?

        package init() {
            consumed = 0
        }
    }

    /// A request whose header is authentic and new.
    package struct Request: Sendable {
        package let target: TargetAddress
        /// Whose it is.
        package let owner: Accepted
        /// Which its answer has to repeat in SIP022.
        package let salt: Salt
    }

    private enum Phase: ~Copyable {
        /// Waiting for the salt, and what SIP022 has right behind it.
        case beginning
        /// SIP004: reading chunks until they hold the address.
        case address(Header)
        /// SIP022: waiting for the whole of the variable header, of so many bytes.
        case variableHeader(Header, length: Int)
        /// Payload.
        case streaming(ChunkOpener)
        /// A fault was thrown; nothing more can be read.
        case failed
    }

    private struct Header: ~Copyable {
        var chunks: ChunkOpener
        let salt: Salt
        let owner: Accepted
        /// What the chunks held so far.
        var plaintext: [UInt8] = []
    }

    private let keys: AcceptedKeys
    private var phase = Phase.beginning

    package init(_ keys: AcceptedKeys) {
        self.keys = keys
    }

    /// Whether the peer may end its stream here without having cut anything off.
    package var isComplete: Bool {
        switch phase {
        case .beginning: false
        case .address: false
        case .variableHeader: false
        case .failed: false
        case .streaming(let chunks): chunks.isBetweenChunks
        }
    }

    /// Opens what `input` completes and appends the payload to `output`, which must have room for as many bytes
    /// as `input` has. `now` is asked for when a header of SIP022 is read. `isKnown` tells whether a salt was seen before
    /// the rest of its header is waited for, `remember` tests and records it.
    package mutating func receive(
        _ input: RawSpan, into output: inout OutputRawSpan, now: @autoclosure () -> UnixSeconds,
        isKnown: (Salt) -> Bool, remember: (Salt) throws(StreamFault) -> Void
    ) throws(StreamFault) -> Received {
        var received = Received()
        while true {
            let rest = input.extracting(droppingFirst: received.consumed)
            switch exchange(&phase, with: .failed) {
            case .beginning:
                guard try begin(rest, now(), isKnown, &received) else { return received }
            case .address(let header):
                guard try readAddress(header, rest, &received, into: &output, remember) else { return received }
            case .variableHeader(let header, let length):
                guard try readHeader(header, length, rest, &received, into: &output, remember) else { return received }
            case .streaming(var chunks):
                received.consumed += try chunks.open(rest, into: &output)
                phase = .streaming(chunks)
                return received
            case .failed:
                throw .notAuthentic
            }
        }
    }

    /// Whether enough was there to go on, as for all of these.
    private mutating func begin(
        _ input: RawSpan, _ now: @autoclosure () -> UnixSeconds, _ isKnown: (Salt) -> Bool,
        _ received: inout Received
    ) throws(StreamFault) -> Bool {
        let needed: Int =
            switch keys.method.edition {
            case .sip004: keys.method.saltLength + (keys.tried.isEmpty ? 0 : ChunkOpener.lengthPiece)
            // Whoever does not name themselves sends more than an identity's bytes behind the fixed header.
            case .sip022: keys.method.saltLength + keys.identityLength + Self.sealedFixedHeader
            }
        guard input.byteCount >= needed else {
            phase = .beginning
            return false
        }
        let salt = Salt(input.extracting(first: keys.method.saltLength))
        let rest = input.extracting(droppingFirst: keys.method.saltLength)
        switch keys.method.edition {
        case .sip004:
            guard let owner = keys.owner(salt: salt, firstPiece: rest) else { throw .unknownUser }
            phase = .address(Header(chunks: chunks(of: owner, salt), salt: salt, owner: owner))
            received.consumed += keys.method.saltLength
        case .sip022:
            try readFixedHeader(salt, rest, now(), isKnown, &received)
        }
        return true
    }

    private static let sealedFixedHeader = RequestFixedHeader.length + AEADAlgorithm.tagLength

    private func chunks(of owner: Accepted, _ salt: Salt) -> ChunkOpener {
        ChunkOpener(owner.credential.context(.open, salt: salt), maximumPayload: keys.method.maximumChunkPayload)
    }

    /// `input` begins behind the salt and is long enough.
    private mutating func readFixedHeader(
        _ salt: Salt, _ input: RawSpan, _ now: UnixSeconds, _ isKnown: (Salt) -> Bool, _ received: inout Received
    ) throws(StreamFault) {
        guard let owner = keys.owner(salt: salt, identity: input.extracting(first: keys.identityLength)) else {
            throw .unknownUser
        }
        let start = owner.isNamed ? keys.identityLength : 0
        let end = start + Self.sealedFixedHeader
        var chunks = chunks(of: owner.accepted, salt)
        let header = try PlainPiece.open(input.extracting(start..<end), &chunks) { (plain) throws(StreamFault) in
            try RequestFixedHeader.decode(plain, now: now)
        }
        // Up to 64 KiB are kept until the next header is whole; not for who plays again what was heard.
        guard !isKnown(salt) else { throw .replayed }
        phase = .variableHeader(
            Header(chunks: chunks, salt: salt, owner: owner.accepted), length: header.variableLength)
        received.consumed += keys.method.saltLength + end
    }

    private mutating func readAddress(
        _ header: consuming Header, _ input: RawSpan, _ received: inout Received, into output: inout OutputRawSpan,
        _ remember: (Salt) throws(StreamFault) -> Void
    ) throws(StreamFault) -> Bool {
        let consumed = try Self.openOne(&header.chunks, input, appendingTo: &header.plaintext)
        received.consumed += consumed
        guard let (target, count) = try TargetAddress.decode(header.plaintext.span.bytes) else {
            // A payload was opened but the address goes on in the next chunk; else more input is needed.
            let goesOn = consumed > 0 && header.chunks.isBetweenChunks
            phase = .address(header)
            return goesOn
        }
        // No request is for port 0; a header that says so is treated like any other that is none.
        guard target.port != 0 else { throw .malformedAddress }
        try accept(header, target, payloadOffset: count, &received, into: &output, remember)
        return true
    }

    private mutating func readHeader(
        _ header: consuming Header, _ length: Int, _ input: RawSpan, _ received: inout Received,
        into output: inout OutputRawSpan, _ remember: (Salt) throws(StreamFault) -> Void
    ) throws(StreamFault) -> Bool {
        let sealed = length + AEADAlgorithm.tagLength
        guard input.byteCount >= sealed else {
            phase = .variableHeader(header, length: length)
            return false
        }
        header.chunks.expect(length)
        received.consumed += try Self.openOne(
            &header.chunks, input.extracting(first: sealed), appendingTo: &header.plaintext)
        let (target, payloadOffset) = try RequestVariableHeader.decode(header.plaintext.span.bytes)
        try accept(header, target, payloadOffset: payloadOffset, &received, into: &output, remember)
        return true
    }

    /// The header is authentic and well formed; it is a request if its salt is new.
    private mutating func accept(
        _ header: consuming Header, _ target: TargetAddress, payloadOffset: Int, _ received: inout Received,
        into output: inout OutputRawSpan, _ remember: (Salt) throws(StreamFault) -> Void
    ) throws(StreamFault) {
        try remember(header.salt)
        received.request = Request(target: target, owner: header.owner, salt: header.salt)
        output.append(copying: header.plaintext.span.bytes.extracting(droppingFirst: payloadOffset))
        phase = .streaming(header.chunks)
    }

    /// Opens at most one payload of the header's chunks and appends it to `plaintext`.
    private static func openOne(
        _ chunks: inout ChunkOpener, _ input: RawSpan, appendingTo plaintext: inout [UInt8]
    ) throws(StreamFault) -> Int {
        var consumed = 0
        var fault: StreamFault?
        let chunk = [UInt8](unsafeUninitializedCapacity: input.byteCount) { buffer, count in
            var output = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
            do throws(StreamFault) {
                consumed = try chunks.open(input, into: &output, single: true)
            } catch {
                fault = error
            }
            count = output.finalize(for: UnsafeMutableRawBufferPointer(buffer))
        }
        if let fault { throw fault }
        plaintext += chunk
        return consumed
    }
}
