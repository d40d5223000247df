// Pieces in spans: what chunks and datagrams of both editions do with an AEAD.

extension AEADContext {
    /// Seals what `output` holds from `start` on where it stands and appends the tag; there must be room for it.
    mutating func seal(from start: Int, in output: inout OutputRawSpan, nonce: Nonce) {
        output.withUnsafeMutableBytes { buffer, initialized in
            precondition(AEADAlgorithm.tagLength <= buffer.count - initialized, "no room to seal")
            let place = buffer.baseAddress! + start
            seal(place, count: initialized - start, to: place, nonce: nonce)
            initialized += AEADAlgorithm.tagLength
        }
    }

    /// Opens `piece`, its tag included, and appends the plaintext to `output`, which must have room. Throws
    /// `.notAuthentic`; nothing is appended then.
    mutating func open(
        _ piece: RawSpan, into output: inout OutputRawSpan, nonce: Nonce
    ) throws(StreamFault) {
        let count = piece.byteCount - AEADAlgorithm.tagLength
        guard count >= 0 else { throw .notAuthentic }
        let isAuthentic = output.withUnsafeMutableBytes { buffer, initialized in
            precondition(count <= buffer.count - initialized, "no room to open")
            let target = buffer.baseAddress! + initialized
            let ok = piece.withUnsafeBytes { open($0.baseAddress!, count: count, to: target, nonce: nonce) }
            if ok { initialized += count }
            return ok
        }
        guard isAuthentic else { throw .notAuthentic }
    }
}
