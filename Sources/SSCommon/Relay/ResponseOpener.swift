// The client's reading half. SIP004: salt, then chunks of payload. SIP022 3.1.4: salt, a header that must answer our own
// request in time, the first payload, then chunks.

package struct ResponseOpener: ~Copyable {
    private enum Phase: ~Copyable {
        /// Waiting for the server's salt.
        case salt
        /// SIP022: waiting for the header.
        case header(ChunkOpener)
        /// Payload.
        case streaming(ChunkOpener)
        /// A fault was thrown; nothing more can be read.
        case failed
    }

    private let credential: Credential
    private let request: Salt
    private var phase = Phase.salt
    /// The server's clock when it made its header; nil before that, and always in SIP004.
    package private(set) var serverTime: UnixSeconds?

    /// `request` is the salt of our request.
    package init(_ credential: Credential, request: Salt) {
        self.credential = credential
        self.request = request
    }

    /// Whether the server may end its stream here without having cut anything off. A stream that ends before its
    /// salt carried nothing, which is how a server says that the target had nothing to say.
    package var isComplete: Bool {
        switch phase {
        case .salt: true
        case .header: false
        case .streaming(let chunks): chunks.isBetweenChunks
        case .failed: false
        }
    }

    /// Opens what `input` completes and appends the payload to `output`, which must have room for as many bytes
    /// as `input` has; returns the bytes of `input` that are done with. `isFresh` tests and records a salt (SIP004;
    /// in SIP022 the header says what it answers), `now` is asked for when a header is read.
    package mutating func receive(
        _ input: RawSpan, into output: inout OutputRawSpan, now: @autoclosure () -> UnixSeconds,
        isFresh: (Salt) -> Bool
    ) throws(StreamFault) -> Int {
        var consumed = 0
        while true {
            switch exchange(&phase, with: .failed) {
            case .salt:
                let count = credential.method.saltLength
                guard input.byteCount >= count else {
                    phase = .salt
                    return consumed
                }
                let salt = Salt(input.extracting(first: count))
                consumed = count
                let chunks = ChunkOpener(
                    credential.context(.open, salt: salt), maximumPayload: credential.method.maximumChunkPayload)
                switch credential.method.edition {
                case .sip004:
                    guard isFresh(salt) else { throw .replayed }
                    phase = .streaming(chunks)
                case .sip022:
                    phase = .header(chunks)
                }
            case .header(var chunks):
                let sealed = ResponseHeader.length(credential.method) + AEADAlgorithm.tagLength
                guard input.byteCount - consumed >= sealed else {
                    phase = .header(chunks)
                    return consumed
                }
                let piece = input.extracting(consumed..<consumed + sealed)
                let header = try Self.openHeader(piece, &chunks, request, now())
                consumed += sealed
                serverTime = header.time
                chunks.expect(header.payloadLength)
                phase = .streaming(chunks)
            case .streaming(var chunks):
                consumed += try chunks.open(input.extracting(droppingFirst: consumed), into: &output)
                phase = .streaming(chunks)
                return consumed
            case .failed:
                throw .notAuthentic
            }
        }
    }

    private static func openHeader(
        _ piece: RawSpan, _ chunks: inout ChunkOpener, _ request: Salt, _ now: UnixSeconds
    ) throws(StreamFault) -> ResponseHeader {
        try PlainPiece.open(piece, &chunks) { (plain) throws(StreamFault) in
            try ResponseHeader.decode(plain, request: request, now: now)
        }
    }
}

/// A header's plaintext, on the stack for as long as it is looked at.
enum PlainPiece {
    static func open<Header>(
        _ piece: RawSpan, _ chunks: inout ChunkOpener, _ decode: (RawSpan) throws(StreamFault) -> Header
    ) throws(StreamFault) -> Header {
        var result: Result<Header, StreamFault>?
        withUnsafeTemporaryAllocation(byteCount: piece.byteCount, alignment: 8) { scratch in
            var output = OutputRawSpan(buffer: scratch, initializedCount: 0)
            do throws(StreamFault) {
                try chunks.openPiece(piece, into: &output)
                result = .success(try decode(output.bytes))
            } catch {
                result = .failure(error)
            }
        }
        // Set on either way through.
        return try result!.get()
    }
}
