// Reading bytes out of a RawSpan. Every parser of HTTP and SOCKS goes through these, so the one unsafe-named
// call of theirs stands here with its proof.

extension RawSpan {
    /// The byte at `offset`; traps outside the span like an array would. `unsafeLoad` checks the bounds itself
    /// and every bit pattern is a UInt8, so nothing unsafe remains.
    @inlinable @inline(__always)
    package func octet(_ offset: Int) -> UInt8 {
        unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// The big-endian 16-bit number at `offset`.
    @inlinable @inline(__always)
    package func bigEndian16(_ offset: Int) -> UInt16 {
        UInt16(octet(offset)) << 8 | UInt16(octet(offset + 1))
    }

    /// The big-endian 32-bit number at `offset`.
    @inlinable @inline(__always)
    package func bigEndian32(_ offset: Int) -> UInt32 {
        UInt32(bigEndian16(offset)) << 16 | UInt32(bigEndian16(offset + 2))
    }

    /// The big-endian 64-bit number at `offset`.
    @inlinable @inline(__always)
    package func bigEndian64(_ offset: Int) -> UInt64 {
        UInt64(bigEndian32(offset)) << 32 | UInt64(bigEndian32(offset + 4))
    }

    /// A copy of `range`; traps outside the span.
    package func copy(_ range: Range<Int>) -> [UInt8] {
        extracting(range).withUnsafeBytes { Array($0) }
    }

    /// The first offset of `byte` in `range`, nil if there is none.
    package func firstOffset(of byte: UInt8, in range: Range<Int>) -> Int? {
        range.first { octet($0) == byte }
    }
}

extension UInt8 {
    /// ASCII letters in lower case, every other byte as it is.
    @inlinable @inline(__always)
    package var lowercasedASCII: UInt8 {
        self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self
    }

    /// 0-9.
    @inlinable @inline(__always)
    package var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

    /// A-Z, a-z.
    @inlinable @inline(__always)
    package var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowercasedASCII) }

    /// The value of a hexadecimal digit, nil for any other byte.
    package var hexValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
