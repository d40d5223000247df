// Big-endian integers in spans: every multi-byte integer of the protocols we speak, nonces apart.

extension RawSpan {
    /// The two bytes at `offset`, which must lie inside the span.
    package func bigEndian16(at offset: Int) -> UInt16 {
        UInt16(self[offset]) << 8 | UInt16(self[offset + 1])
    }

    /// The eight bytes at `offset`, which must lie inside the span.
    package func bigEndian64(at offset: Int) -> UInt64 {
        UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: checked(offset, 8), as: UInt64.self))
    }

    /// Traps unless `count` bytes at `offset` lie inside the span, which makes the unchecked load sound.
    private func checked(_ offset: Int, _ count: Int) -> Int {
        precondition(offset >= 0 && offset + count <= byteCount, "read beyond a span")
        return offset
    }

    package subscript(offset: Int) -> UInt8 {
        unsafeLoad(fromByteOffset: checked(offset, 1), as: UInt8.self)
    }
}

extension OutputRawSpan {
    /// Appends an integer, most significant byte first.
    package mutating func append(bigEndian value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes in
            for byte in bytes { append(byte) }
        }
    }

    /// Appends all bytes; traps if they do not fit.
    package mutating func append(copying bytes: RawSpan) {
        withUnsafeMutableBytes { buffer, initialized in
            precondition(bytes.byteCount <= buffer.count - initialized, "write beyond a span")
            bytes.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(rebasing: buffer[initialized...]).copyMemory(from: $0)
            }
            initialized += bytes.byteCount
        }
    }
}
