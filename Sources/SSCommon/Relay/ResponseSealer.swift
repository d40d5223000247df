// The server's writing half (SIP004 "TCP"): salt, then chunks of payload, no header. SIP022's response header,
// which repeats the request's salt and the first payload's length, will go out with the first payload here.

package struct ResponseSealer: ~Copyable {
    private var chunks: ChunkSealer
    /// Not yet written; leaves with the first payload.
    private var pendingSalt: Salt?
    private let maximumPayload: Int

    /// `salt` is fresh random.
    package init(_ credential: Credential, salt: Salt) {
        maximumPayload = credential.method.maximumChunkPayload
        chunks = ChunkSealer(credential.context(.seal, salt: salt), maximumPayload: maximumPayload)
        pendingSalt = salt
    }

    /// An upper bound on the bytes that `seal` writes for `count` payload bytes.
    package func sealedCount(_ count: Int) -> Int {
        Salt.maximumLength + ChunkSealer.sealedCount(count, maximumPayload: maximumPayload)
    }

    /// Seals `payload`; an empty one writes nothing.
    package mutating func seal(_ payload: RawSpan, into output: inout OutputRawSpan) {
        guard payload.byteCount > 0 else { return }
        if let salt = pendingSalt.take() {
            salt.withUnsafeBytes { output.append(copying: $0.bytes) }
        }
        chunks.seal(payload, into: &output)
    }
}
