// The writing half of a stream direction: chunks of AEAD(length) || AEAD(payload), each piece under the next
// counter nonce (SIP004 "TCP"; SIP022 3.1 keeps the framing with other limits and headers in front).

package struct ChunkSealer: ~Copyable {
    /// What a chunk costs beside its payload: the 2-byte length and two tags.
    package static let overhead = 2 + 2 * AEADAlgorithm.tagLength

    private var aead: AEADContext
    private var nonce: Nonce
    private let maximumPayload: Int

    /// `aead` is keyed for this direction. `nonce` is zero on a new stream.
    package init(_ aead: consuming AEADContext, maximumPayload: Int, nonce: Nonce = Nonce()) {
        self.aead = aead
        self.nonce = nonce
        self.maximumPayload = maximumPayload
    }

    /// Bytes on the wire for `count` payload bytes.
    package static func sealedCount(_ count: Int, maximumPayload: Int) -> Int {
        count + (count + maximumPayload - 1) / maximumPayload * overhead
    }

    /// Seals `plaintext` as one piece whose length was said elsewhere.
    package mutating func sealPiece(_ plaintext: RawSpan, into output: inout OutputRawSpan) {
        plaintext.withUnsafeBytes { sealPiece($0, into: &output) }
    }

    /// Seals all of `plaintext` as chunks, straight into `output`, which must have room for `sealedCount`.
    package mutating func seal(_ plaintext: RawSpan, into output: inout OutputRawSpan) {
        plaintext.withUnsafeBytes { plaintext in
            var done = 0
            while done < plaintext.count {
                let count = min(maximumPayload, plaintext.count - done)
                sealLength(count, into: &output)
                sealPiece(UnsafeRawBufferPointer(rebasing: plaintext[done..<done + count]), into: &output)
                done += count
            }
        }
    }

    /// Seals `head` and `tail` as the payload of one chunk; together they must fit into one.
    package mutating func seal(head: RawSpan, tail: RawSpan, into output: inout OutputRawSpan) {
        let count = head.byteCount + tail.byteCount
        precondition((1...maximumPayload).contains(count), "one chunk takes 1...\(maximumPayload) bytes")
        sealLength(count, into: &output)
        let start = output.byteCount
        output.append(copying: head)
        output.append(copying: tail)
        sealInPlace(from: start, in: &output)
    }

    /// Seals what `write` appends as one piece without a length in front, as SIP022's headers are. At most as many bytes
    /// as `output` has room for, but for the tag.
    package mutating func sealPiece(into output: inout OutputRawSpan, _ write: (inout OutputRawSpan) -> Void) {
        let start = output.byteCount
        write(&output)
        sealInPlace(from: start, in: &output)
    }

    private mutating func sealLength(_ count: Int, into output: inout OutputRawSpan) {
        let start = output.byteCount
        output.append(bigEndian: UInt16(count))
        sealInPlace(from: start, in: &output)
    }

    private mutating func sealPiece(_ plaintext: UnsafeRawBufferPointer, into output: inout OutputRawSpan) {
        output.withUnsafeMutableBytes { buffer, initialized in
            precondition(plaintext.count + AEADAlgorithm.tagLength <= buffer.count - initialized, "no room to seal")
            aead.seal(
                plaintext.baseAddress!, count: plaintext.count, to: buffer.baseAddress! + initialized, nonce: nonce)
            initialized += plaintext.count + AEADAlgorithm.tagLength
        }
        nonce.increment()
    }

    /// Seals what `output` holds from `start` on where it stands and appends the tag.
    private mutating func sealInPlace(from start: Int, in output: inout OutputRawSpan) {
        aead.seal(from: start, in: &output, nonce: nonce)
        nonce.increment()
    }
}
