// The reading half of a stream direction; see ChunkSealer. It consumes whole pieces only, so that the bytes of
// an unfinished one stay with the caller: at most one sealed chunk, whatever the peer does.

package struct ChunkOpener: ~Copyable {
    private var aead: AEADContext
    private var nonce: Nonce
    private let maximumPayload: Int
    /// The payload announced by a length already opened; nil between chunks.
    private var announced: Int?

    /// `aead` is keyed for this direction. `nonce` is zero on a new stream.
    package init(_ aead: consuming AEADContext, maximumPayload: Int, nonce: Nonce = Nonce()) {
        self.aead = aead
        self.nonce = nonce
        self.maximumPayload = maximumPayload
    }

    /// Whether the stream may end here.
    package var isBetweenChunks: Bool { announced == nil }

    /// Opens every whole piece of `input` straight into `output`, which must have as much room as `input` has
    /// bytes, and returns how many bytes of `input` are done with. With `single` it stops after one payload.
    /// After a fault the stream is over.
    package mutating func open(
        _ input: RawSpan, into output: inout OutputRawSpan, single: Bool = false
    ) throws(StreamFault) -> Int {
        var consumed = 0
        while true {
            if let count = announced {
                let sealed = count + AEADAlgorithm.tagLength
                guard input.byteCount - consumed >= sealed else { return consumed }
                try openPayload(input.extracting(consumed..<consumed + sealed), into: &output)
                announced = nil
                consumed += sealed
                if single { return consumed }
            } else {
                guard input.byteCount - consumed >= Self.lengthPiece else { return consumed }
                announced = try openLength(input.extracting(consumed..<consumed + Self.lengthPiece))
                consumed += Self.lengthPiece
            }
        }
    }

    /// The sealed length of a chunk.
    static let lengthPiece = 2 + AEADAlgorithm.tagLength

    /// Whether a chunk's length sealed with this key is at the front of `input`, which has enough bytes.
    mutating func canBegin(with input: RawSpan) -> Bool {
        do {
            announced = try openLength(input.extracting(first: Self.lengthPiece))
            return true
        } catch {
            return false
        }
    }

    /// Opens a piece that stands for itself, as SIP022's headers do: `piece` is its plaintext's length and a tag.
    package mutating func openPiece(_ piece: RawSpan, into output: inout OutputRawSpan) throws(StreamFault) {
        precondition(announced == nil, "a chunk is open")
        try openPayload(piece, into: &output)
    }

    /// What follows is a payload of `count` bytes, whose length was said elsewhere.
    package mutating func expect(_ count: Int) {
        precondition(announced == nil, "a chunk is open")
        announced = count
    }

    private mutating func openLength(_ piece: RawSpan) throws(StreamFault) -> Int {
        var length: UInt16 = 0
        let isAuthentic = withUnsafeMutableBytes(of: &length) { target in
            piece.withUnsafeBytes { aead.open($0.baseAddress!, count: 2, to: target.baseAddress!, nonce: nonce) }
        }
        guard isAuthentic else { throw .notAuthentic }
        nonce.increment()
        let count = Int(UInt16(bigEndian: length))
        guard (1...maximumPayload).contains(count) else { throw .badChunkLength }
        return count
    }

    private mutating func openPayload(_ piece: RawSpan, into output: inout OutputRawSpan) throws(StreamFault) {
        try aead.open(piece, into: &output, nonce: nonce)
        nonce.increment()
    }
}
