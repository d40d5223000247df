// Numbers and addresses as bytes. A line is written for every connection, so nothing here makes a String:
// each function appends to the line that is being built. The addresses read exactly as their descriptions.

extension [UInt8] {
    /// Appends the bytes of a literal.
    mutating func append(_ literal: StaticString) {
        // The pointer is used within the closure only.
        literal.withUTF8Buffer { append(contentsOf: $0) }
    }

    /// Appends decimal digits, with zeros in front up to `width`.
    mutating func appendDecimal(_ value: UInt64, width: Int = 1) {
        var divisor: UInt64 = 1
        var digits = 1
        while digits < width || value / divisor >= 10 {
            divisor *= 10
            digits += 1
        }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }

    /// Appends lower-case hexadecimal digits without leading zeros.
    private mutating func appendHex(_ value: UInt16) {
        var shift = UInt16(12)
        while shift > 0, value >> shift == 0 { shift -= 4 }
        while true {
            append(Self.hexDigit(UInt8(truncatingIfNeeded: value >> shift & 15)))
            if shift == 0 { return }
            shift -= 4
        }
    }

    static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }

    mutating func append(_ address: IPv4Address) {
        appendDecimal(UInt64(address.value >> 24))
        append(UInt8(ascii: "."))
        appendDecimal(UInt64(address.value >> 16 & 255))
        append(UInt8(ascii: "."))
        appendDecimal(UInt64(address.value >> 8 & 255))
        append(UInt8(ascii: "."))
        appendDecimal(UInt64(address.value & 255))
    }

    /// RFC 5952, as `IPv6Address.description`.
    mutating func append(_ address: IPv6Address) {
        if let mapped = address.mappedIPv4 {
            append("::ffff:")
            append(mapped)
            return
        }
        let zeros = address.longestZeroRun
        var index = 0
        while index < 8 {
            if index == zeros.lowerBound, !zeros.isEmpty {
                append("::")
                index = zeros.upperBound
                continue
            }
            if index > 0, index != zeros.upperBound || zeros.isEmpty { append(UInt8(ascii: ":")) }
            appendHex(address.group(index))
            index += 1
        }
    }

    mutating func append(_ address: IPAddress, port: UInt16) {
        switch address {
        case .v4(let address):
            append(address)
        case .v6(let address):
            append(UInt8(ascii: "["))
            append(address)
            append(UInt8(ascii: "]"))
        }
        append(UInt8(ascii: ":"))
        appendDecimal(UInt64(port))
    }

    /// A peer: IPv4-mapped addresses are the IPv4 hosts they stand for.
    mutating func append(_ peer: Endpoint) {
        append(peer.address.folded, port: peer.port)
    }
}

extension IPv6Address {
    fileprivate func group(_ index: Int) -> UInt16 {
        UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - 16 * (index & 3)))
    }

    /// The first of the longest runs of two or more zero groups; empty if there is none.
    fileprivate var longestZeroRun: Range<Int> {
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, group(end) == 0 { end += 1 }
            if end - start > Swift.max(best.count, 1) { best = start..<end }
            start = Swift.max(end, start + 1)
        }
        return best
    }
}
