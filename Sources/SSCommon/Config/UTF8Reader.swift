// UTF-8 (RFC 3629) one scalar at a time over bytes nobody has vouched for: overlong forms, surrogates and
// values over U+10FFFF are no scalars. Kept apart because both the parser and the excerpt stand on it.

enum UTF8Reader {
    /// The scalar at `offset` and its length in bytes; a nil scalar and length 1 where there is none.
    static func scalar(in bytes: [UInt8], at offset: Int) -> (scalar: Unicode.Scalar?, length: Int) {
        let lead = bytes[offset]
        if lead < 0x80 { return (Unicode.Scalar(lead), 1) }
        let length: Int
        var value: UInt32
        switch lead {
        case 0xc2...0xdf: (length, value) = (2, UInt32(lead & 0x1f))
        case 0xe0...0xef: (length, value) = (3, UInt32(lead & 0x0f))
        case 0xf0...0xf4: (length, value) = (4, UInt32(lead & 0x07))
        default: return (nil, 1)
        }
        guard offset + length <= bytes.count else { return (nil, 1) }
        for index in 1..<length {
            guard bytes[offset + index] & 0xc0 == 0x80 else { return (nil, 1) }
            value = value << 6 | UInt32(bytes[offset + index] & 0x3f)
        }
        let smallest: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000
        guard value >= smallest, let scalar = Unicode.Scalar(value) else { return (nil, 1) }
        return (scalar, length)
    }

    /// The first offset that is not UTF-8, or nil.
    static func firstFault(in bytes: [UInt8]) -> Int? {
        if String(validating: bytes, as: UTF8.self) != nil { return nil }
        var offset = 0
        while offset < bytes.count {
            if bytes[offset] < 0x80 {
                offset += 1
                continue
            }
            let (scalar, length) = scalar(in: bytes, at: offset)
            if scalar == nil { return offset }
            offset += length
        }
        return nil
    }
}
