// The client's reading half (SIP004 "TCP"): salt, then chunks of payload.

package struct ResponseOpener: ~Copyable {
    private enum Phase: ~Copyable {
        /// Waiting for the server's salt.
        case salt
        /// Payload.
        case streaming(ChunkOpener)
        /// A fault was thrown; nothing more can be read.
        case failed
    }

    private let credential: Credential
    private var phase = Phase.salt

    package init(_ credential: Credential) {
        self.credential = credential
    }

    /// Whether the server may end its stream here without having cut anything off. A stream that ends before its
    /// salt carried nothing, which is how a server says that the target had nothing to say.
    package var isComplete: Bool {
        switch phase {
        case .salt: true
        case .streaming(let chunks): chunks.isBetweenChunks
        case .failed: false
        }
    }

    /// Opens what `input` completes and appends the payload to `output`, which must have room for as many bytes
    /// as `input` has; returns the bytes of `input` that are done with. `isFresh` tests and records a salt.
    package mutating func receive(
        _ input: RawSpan, into output: inout OutputRawSpan, isFresh: (Salt) -> Bool
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
                guard isFresh(salt) else { throw .replayed }
                consumed = count
                phase = .streaming(
                    ChunkOpener(
                        credential.context(.open, salt: salt), maximumPayload: credential.method.maximumChunkPayload))
            case .streaming(var chunks):
                consumed += try chunks.open(input.extracting(droppingFirst: consumed), into: &output)
                phase = .streaming(chunks)
                return consumed
            case .failed:
                throw .notAuthentic
            }
        }
    }
}
