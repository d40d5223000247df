// BLAKE3 (github.com/BLAKE3-team/BLAKE3-specs, sections 2.1 to 2.6) for inputs of one chunk, which is all that SIP022 and
// SIP023 hash: keys with a salt or a session id, and pre-shared keys alone. Neither libsodium nor libcrypto has it.

/// BLAKE3's plain hash and key derivation, of up to 1024 bytes.
package enum BLAKE3 {
    /// The longest input: beyond it the hash is a tree, which nothing here needs.
    package static let maximumInput = 1024

    /// What a derived key is for ("derive_key" mode). Made once: it costs a hash by itself.
    package struct Purpose: Sendable {
        fileprivate let key: State

        /// `context` is hard-coded, globally unique text of at most 1024 bytes.
        package init(_ context: StaticString) {
            precondition(context.utf8CodeUnitCount <= maximumInput, "a context is one chunk")
            key = withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { digest in
                let bytes = UnsafeRawBufferPointer(start: context.utf8Start, count: context.utf8CodeUnitCount)
                BLAKE3.run(State.initial, Flags.deriveKeyContext, bytes, into: digest)
                return State(UnsafeRawBufferPointer(digest))
            }
        }
    }

    /// Fills `output` with the hash of `input` (the first 32 bytes are the usual hash; any length is allowed).
    package static func hash(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) {
        run(.initial, 0, input, into: output)
    }

    /// Fills `output` with a key for `purpose` out of `material`, which is secret and has full entropy.
    package static func deriveKey(
        _ purpose: Purpose, _ material: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) {
        run(purpose.key, Flags.deriveKeyMaterial, material, into: output)
    }

    // MARK: The chunk

    private enum Flags {
        static let chunkStart: UInt32 = 1
        static let chunkEnd: UInt32 = 2
        static let root: UInt32 = 8
        static let deriveKeyContext: UInt32 = 32
        static let deriveKeyMaterial: UInt32 = 64
    }

    private static let blockLength = 64

    /// Eight words: a key or a chaining value.
    fileprivate struct State: Sendable {
        var low: SIMD4<UInt32>
        var high: SIMD4<UInt32>

        /// SHA-256's initial words.
        static let initial = State(
            low: SIMD4(0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a),
            high: SIMD4(0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19))

        init(low: SIMD4<UInt32>, high: SIMD4<UInt32>) {
            self.low = low
            self.high = high
        }

        /// 32 bytes, little-endian words.
        init(_ bytes: UnsafeRawBufferPointer) {
            low = BLAKE3.words(bytes.baseAddress!)
            high = BLAKE3.words(bytes.baseAddress! + 16)
        }
    }

    private static func run(
        _ key: State, _ mode: UInt32, _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) {
        precondition(input.count <= maximumInput, "one chunk only")
        withUnsafeTemporaryAllocation(byteCount: 2 * blockLength, alignment: 16) { scratch in
            let block = UnsafeMutableRawBufferPointer(rebasing: scratch[..<blockLength])
            let result = UnsafeMutableRawBufferPointer(rebasing: scratch[blockLength...])
            var state = key
            var flags = mode | Flags.chunkStart
            var done = 0
            while input.count - done > blockLength {
                let (low, high) = compress(state, input.baseAddress! + done, 0, UInt32(blockLength), flags)
                state = State(low: low.0 ^ high.0, high: low.1 ^ high.1)
                flags = mode
                done += blockLength
            }
            // The last block, which may be empty or partly filled, is the root; with a counter it gives as much as is
            // wanted.
            let last = input.count - done
            block.initializeMemory(as: UInt8.self, repeating: 0)
            if last > 0 { block.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[done...])) }
            flags |= Flags.chunkEnd | Flags.root
            var counter: UInt64 = 0
            var written = 0
            while written < output.count {
                let (low, high) = compress(state, block.baseAddress!, counter, UInt32(last), flags)
                store(low.0 ^ high.0, to: result.baseAddress!)
                store(low.1 ^ high.1, to: result.baseAddress! + 16)
                store(high.0 ^ state.low, to: result.baseAddress! + 32)
                store(high.1 ^ state.high, to: result.baseAddress! + 48)
                let count = min(blockLength, output.count - written)
                (output.baseAddress! + written).copyMemory(from: result.baseAddress!, byteCount: count)
                written += count
                counter += 1
            }
            Sodium.wipe(scratch)
        }
    }

    // MARK: The compression function (section 2.2)

    private typealias Row = SIMD4<UInt32>

    /// The two upper and the two lower rows of the state after seven rounds over 64 bytes at `block`.
    @inline(__always)
    private static func compress(
        _ state: State, _ block: UnsafeRawPointer, _ counter: UInt64, _ length: UInt32, _ flags: UInt32
    ) -> ((Row, Row), (Row, Row)) {
        var a = state.low
        var b = state.high
        var c = State.initial.low
        var d = Row(UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32), length, flags)
        // Which message words go where: section 2.2, tables 1 and 2.
        round(
            &a, &b, &c, &d, row(block, 0, 2, 4, 6), row(block, 1, 3, 5, 7), row(block, 8, 10, 12, 14),
            row(block, 9, 11, 13, 15))
        round(
            &a, &b, &c, &d, row(block, 2, 3, 7, 4), row(block, 6, 10, 0, 13), row(block, 1, 12, 9, 15),
            row(block, 11, 5, 14, 8))
        round(
            &a, &b, &c, &d, row(block, 3, 10, 13, 7), row(block, 4, 12, 2, 14), row(block, 6, 9, 11, 8),
            row(block, 5, 0, 15, 1))
        round(
            &a, &b, &c, &d, row(block, 10, 12, 14, 13), row(block, 7, 9, 3, 15), row(block, 4, 11, 5, 1),
            row(block, 0, 2, 8, 6))
        round(
            &a, &b, &c, &d, row(block, 12, 9, 15, 14), row(block, 13, 11, 10, 8), row(block, 7, 5, 0, 6),
            row(block, 2, 3, 1, 4))
        round(
            &a, &b, &c, &d, row(block, 9, 11, 8, 15), row(block, 14, 5, 12, 1), row(block, 13, 0, 2, 4),
            row(block, 3, 10, 6, 7))
        round(
            &a, &b, &c, &d, row(block, 11, 5, 1, 8), row(block, 15, 0, 9, 6), row(block, 14, 2, 3, 7),
            row(block, 10, 12, 4, 13))
        return ((a, b), (c, d))
    }

    /// Columns, then diagonals; `x` and `y` are the first and second words of each.
    @inline(__always)
    private static func round(
        _ a: inout Row, _ b: inout Row, _ c: inout Row, _ d: inout Row, _ x: Row, _ y: Row, _ x2: Row, _ y2: Row
    ) {
        mix(&a, &b, &c, &d, x, y)
        b = Row(b[1], b[2], b[3], b[0])
        c = Row(c[2], c[3], c[0], c[1])
        d = Row(d[3], d[0], d[1], d[2])
        mix(&a, &b, &c, &d, x2, y2)
        b = Row(b[3], b[0], b[1], b[2])
        c = Row(c[2], c[3], c[0], c[1])
        d = Row(d[1], d[2], d[3], d[0])
    }

    /// The quarter round on four columns at once.
    @inline(__always)
    private static func mix(_ a: inout Row, _ b: inout Row, _ c: inout Row, _ d: inout Row, _ x: Row, _ y: Row) {
        a = a &+ b &+ x
        d = rotate(d ^ a, 16)
        c = c &+ d
        b = rotate(b ^ c, 12)
        a = a &+ b &+ y
        d = rotate(d ^ a, 8)
        c = c &+ d
        b = rotate(b ^ c, 7)
    }

    @inline(__always)
    private static func rotate(_ row: Row, _ count: UInt32) -> Row {
        (row &>> count) | (row &<< (32 - count))
    }

    @inline(__always)
    private static func row(_ block: UnsafeRawPointer, _ first: Int, _ second: Int, _ third: Int, _ fourth: Int) -> Row
    {
        Row(word(block, first), word(block, second), word(block, third), word(block, fourth))
    }

    @inline(__always)
    private static func word(_ block: UnsafeRawPointer, _ index: Int) -> UInt32 {
        UInt32(littleEndian: block.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
    }

    private static func words(_ bytes: UnsafeRawPointer) -> Row {
        row(bytes, 0, 1, 2, 3)
    }

    private static func store(_ row: Row, to target: UnsafeMutableRawPointer) {
        for index in 0..<4 {
            target.storeBytes(of: row[index].littleEndian, toByteOffset: 4 * index, as: UInt32.self)
        }
    }
}
