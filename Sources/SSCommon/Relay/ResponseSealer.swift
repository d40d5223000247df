// The server's writing half. SIP004: salt, then chunks of payload, no header. SIP022 3.1.4: salt, a header that repeats the
// request's salt and gives the first payload's length, that payload, then chunks. Nothing leaves before there is payload.

package struct ResponseSealer: ~Copyable {
    private let method: CipherMethod
    private var chunks: ChunkSealer
    /// Not yet written; leaves with the first payload.
    private var pendingSalt: Salt?
    private let request: Salt
    private let maximumPayload: Int

    /// `salt` is fresh random; `request` is the salt of the request that is answered.
    package init(_ credential: Credential, salt: Salt, request: Salt) {
        method = credential.method
        maximumPayload = method.maximumChunkPayload
        chunks = ChunkSealer(credential.context(.seal, salt: salt), maximumPayload: maximumPayload)
        pendingSalt = salt
        self.request = request
    }

    /// An upper bound on the bytes that `seal` writes for `count` payload bytes.
    package func sealedCount(_ count: Int) -> Int {
        let header = Salt.maximumLength + ResponseHeader.length(method) + 2 * AEADAlgorithm.tagLength
        return header + ChunkSealer.sealedCount(count, maximumPayload: maximumPayload)
    }

    /// Seals `payload`; an empty one writes nothing. `now` is asked for when a header of SIP022 is made.
    package mutating func seal(
        _ payload: RawSpan, into output: inout OutputRawSpan, now: @autoclosure () -> UnixSeconds
    ) {
        guard payload.byteCount > 0 else { return }
        var done = 0
        if let salt = pendingSalt.take() {
            salt.withUnsafeBytes { output.append(copying: $0.bytes) }
            switch method.edition {
            case .sip004: break
            case .sip022: done = sealHeader(payload, now(), into: &output)
            }
        }
        chunks.seal(payload.extracting(droppingFirst: done), into: &output)
    }

    /// How much of `payload` went along.
    private mutating func sealHeader(_ payload: RawSpan, _ now: UnixSeconds, into output: inout OutputRawSpan) -> Int {
        let first = min(payload.byteCount, maximumPayload)
        chunks.sealPiece(into: &output) { output in
            ResponseHeader(payloadLength: first, time: now).encode(request: request, into: &output)
        }
        chunks.sealPiece(payload.extracting(first: first), into: &output)
        return first
    }
}
