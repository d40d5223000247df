// The server's reading half (SIP004 "TCP"): salt, then chunks whose payload begins with the target's address.
// The address may be alone in its chunk, share it with payload, or be cut across chunks; all must be taken.
// The salt is offered to the replay filter only when the whole header is authentic: recorded earlier, an
// attacker could burn a salt in flight by sending its first bytes ahead of the real request.

package struct RequestOpener: ~Copyable {
    /// What a call of `receive` found.
    package struct Received {
        /// Bytes of the input that are done with; the caller keeps the rest and brings it again.
        package var consumed: Int
        /// The target, once: in the call that completed the header.
        package var target: TargetAddress?

        package init() {
            consumed = 0
        }
    }

    private enum Phase: ~Copyable {
        /// Waiting for the salt.
        case salt
        /// Reading chunks until they hold the address.
        case header(Header)
        /// Payload.
        case streaming(ChunkOpener)
        /// A fault was thrown; nothing more can be read.
        case failed
    }

    private struct Header: ~Copyable {
        var chunks: ChunkOpener
        let salt: Salt
        /// What the chunks held so far.
        var plaintext: [UInt8] = []
    }

    private let credential: Credential
    private var phase = Phase.salt

    package init(_ credential: Credential) {
        self.credential = credential
    }

    /// Whether the peer may end its stream here without having cut anything off.
    package var isComplete: Bool {
        switch phase {
        case .salt: false
        case .header: false
        case .failed: false
        case .streaming(let chunks): chunks.isBetweenChunks
        }
    }

    /// Opens what `input` completes and appends the payload to `output`, which must have room for as many bytes
    /// as `input` has. `isFresh` tests and records a salt.
    package mutating func receive(
        _ input: RawSpan, into output: inout OutputRawSpan, isFresh: (Salt) -> Bool
    ) throws(StreamFault) -> Received {
        var received = Received()
        while true {
            switch exchange(&phase, with: .failed) {
            case .salt:
                let count = credential.method.saltLength
                guard input.byteCount >= count else {
                    phase = .salt
                    return received
                }
                let salt = Salt(input.extracting(first: count))
                received.consumed = count
                let chunks = ChunkOpener(
                    credential.context(.open, salt: salt), maximumPayload: credential.method.maximumChunkPayload)
                phase = .header(Header(chunks: chunks, salt: salt))
            case .header(var header):
                let rest = input.extracting(droppingFirst: received.consumed)
                let consumed = try Self.openOne(&header.chunks, rest, appendingTo: &header.plaintext)
                received.consumed += consumed
                guard let (target, count) = try TargetAddress.decode(header.plaintext.span.bytes) else {
                    // A payload was opened but the address goes on in the next chunk; else more input is needed.
                    let goesOn = consumed > 0 && header.chunks.isBetweenChunks
                    phase = .header(header)
                    if goesOn { continue }
                    return received
                }
                // No request is for port 0; a header that says so is treated like any other that is none.
                guard target.port != 0 else { throw .malformedAddress }
                guard isFresh(header.salt) else { throw .replayed }
                received.target = target
                output.append(copying: header.plaintext.span.bytes.extracting(droppingFirst: count))
                phase = .streaming(header.chunks)
            case .streaming(var chunks):
                let rest = input.extracting(droppingFirst: received.consumed)
                received.consumed += try chunks.open(rest, into: &output)
                phase = .streaming(chunks)
                return received
            case .failed:
                throw .notAuthentic
            }
        }
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
