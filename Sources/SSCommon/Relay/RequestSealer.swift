// The client's writing half. SIP004: salt, then chunks, the first of which carries the target's address and as much of
// the first payload as it takes. SIP022 3.1.3: salt, identity headers, fixed header, variable header with address,
// padding and first payload, then chunks. Either way all of the beginning leaves in one write.

package struct RequestSealer: ~Copyable {
    /// What a header takes from outside.
    package struct Circumstances: Sendable {
        let now: UnixSeconds
        /// Uniformly distributed, for the length of the padding.
        let random: UInt32

        package init(now: UnixSeconds, random: UInt32) {
            self.now = now
            self.random = random
        }
    }

    private enum Phase: ~Copyable {
        /// Nothing written yet.
        case unopened(Salt, TargetAddress)
        /// The header is out; payload follows in chunks.
        case streaming
    }

    private let credential: Credential
    private var chunks: ChunkSealer
    private var phase: Phase
    private let maximumPayload: Int
    /// What the first write carries beside payload, at most.
    private let headerCount: Int

    /// A request for `target` under `credential`; `salt` is fresh random.
    package init(_ credential: Credential, target: TargetAddress, salt: Salt) {
        self.credential = credential
        maximumPayload = credential.method.maximumChunkPayload
        chunks = ChunkSealer(credential.context(.seal, salt: salt), maximumPayload: maximumPayload)
        phase = .unopened(salt, target)
        headerCount =
            switch credential.method.edition {
            case .sip004:
                salt.count + target.encodedCount
            case .sip022:
                salt.count + credential.identities.count * UserIdentity.length + RequestFixedHeader.length
                    + target.encodedCount + 2 + RequestVariableHeader.maximumPadding + 2 * AEADAlgorithm.tagLength
            }
    }

    /// An upper bound on the bytes that `seal` writes for `count` payload bytes.
    package func sealedCount(_ count: Int) -> Int {
        // One chunk more than needed at most: the header may push payload over a chunk's edge.
        headerCount + ChunkSealer.sealedCount(count, maximumPayload: maximumPayload) + ChunkSealer.overhead
    }

    /// Seals `payload`, which may be empty on the first call only: that sends the header alone. `circumstances` are asked
    /// for when a header of SIP022 is made.
    package mutating func seal(
        _ payload: RawSpan, into output: inout OutputRawSpan, circumstances: @autoclosure () -> Circumstances
    ) {
        switch exchange(&phase, with: .streaming) {
        case .unopened(let salt, let target):
            salt.withUnsafeBytes { output.append(copying: $0.bytes) }
            let first =
                switch credential.method.edition {
                case .sip004: sealAddress(target, payload, into: &output)
                case .sip022: sealHeaders(target, salt, payload, circumstances(), into: &output)
                }
            chunks.seal(payload.extracting(droppingFirst: first), into: &output)
        case .streaming:
            chunks.seal(payload, into: &output)
        }
    }

    /// How much of `payload` went along.
    private mutating func sealAddress(
        _ target: TargetAddress, _ payload: RawSpan, into output: inout OutputRawSpan
    ) -> Int {
        let first = min(payload.byteCount, maximumPayload - target.encodedCount)
        withUnsafeTemporaryAllocation(byteCount: TargetAddress.maximumEncodedCount, alignment: 1) { scratch in
            var header = OutputRawSpan(buffer: scratch, initializedCount: 0)
            target.encode(into: &header)
            chunks.seal(head: header.bytes, tail: payload.extracting(first: first), into: &output)
        }
        return first
    }

    private mutating func sealHeaders(
        _ target: TargetAddress, _ salt: Salt, _ payload: RawSpan, _ circumstances: Circumstances,
        into output: inout OutputRawSpan
    ) -> Int {
        StreamIdentity.seal(credential, salt: salt, into: &output)
        let padding = RequestPadding.count(for: payload.byteCount, random: circumstances.random)
        let headerLength = target.encodedCount + 2 + padding
        let first = min(payload.byteCount, maximumPayload - headerLength)
        chunks.sealPiece(into: &output) { output in
            RequestFixedHeader(variableLength: headerLength + first).encode(now: circumstances.now, into: &output)
        }
        chunks.sealPiece(into: &output) { output in
            target.encode(into: &output)
            output.append(bigEndian: UInt16(padding))
            for _ in 0..<padding { output.append(0) }
            output.append(copying: payload.extracting(first: first))
        }
        return first
    }
}
