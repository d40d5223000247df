// The client's writing half (SIP004 "TCP"): salt, then chunks; the first chunk carries the target's address and
// as much of the first payload as it takes, so that all of it leaves in one write. SIP022 will put its fixed and
// variable headers where the address stands here.

package struct RequestSealer: ~Copyable {
    private enum Phase: ~Copyable {
        /// Nothing written yet.
        case unopened(Salt, TargetAddress)
        /// The header is out; payload follows in chunks.
        case streaming
    }

    private var chunks: ChunkSealer
    private var phase: Phase
    private let maximumPayload: Int
    /// What the first write carries beside payload: salt and address.
    private let headerCount: Int

    /// A request for `target` under `credential`; `salt` is fresh random.
    package init(_ credential: Credential, target: TargetAddress, salt: Salt) {
        maximumPayload = credential.method.maximumChunkPayload
        chunks = ChunkSealer(credential.context(.seal, salt: salt), maximumPayload: maximumPayload)
        phase = .unopened(salt, target)
        headerCount = salt.count + target.encodedCount
    }

    /// An upper bound on the bytes that `seal` writes for `count` payload bytes.
    package func sealedCount(_ count: Int) -> Int {
        // One chunk more than needed at most: the header may push payload over a chunk's edge.
        headerCount + ChunkSealer.sealedCount(count, maximumPayload: maximumPayload) + ChunkSealer.overhead
    }

    /// Seals `payload`, which may be empty on the first call only: that sends the header alone.
    package mutating func seal(_ payload: RawSpan, into output: inout OutputRawSpan) {
        switch exchange(&phase, with: .streaming) {
        case .unopened(let salt, let target):
            salt.withUnsafeBytes { output.append(copying: $0.bytes) }
            let first = min(payload.byteCount, maximumPayload - target.encodedCount)
            withUnsafeTemporaryAllocation(byteCount: TargetAddress.maximumEncodedCount, alignment: 1) { scratch in
                var header = OutputRawSpan(buffer: scratch, initializedCount: 0)
                target.encode(into: &header)
                chunks.seal(head: header.bytes, tail: payload.extracting(first: first), into: &output)
            }
            chunks.seal(payload.extracting(droppingFirst: first), into: &output)
        case .streaming:
            chunks.seal(payload, into: &output)
        }
    }
}
