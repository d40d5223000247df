// Addresses as logs have them, read from where a line is known to have one. They are parsed to numbers, and only those go on: what
// a firewall is told is never text of a log.
internal import SSCommon

enum PeerText {
    /// The longest: `[` 45 `]:65535`.
    static let maximum = 53

    /// `ADDRESS:PORT`, the address of the second family in brackets or, as older programs write it, without.
    static func withPort(_ text: RawSpan) -> BanSource? {
        guard text.byteCount <= maximum else { return nil }
        var colon = text.byteCount - 1
        while colon >= 0, text.octet(colon).isDigit { colon -= 1 }
        let digits = text.byteCount - 1 - colon
        guard colon > 0, text.octet(colon) == UInt8(ascii: ":"), (1...5).contains(digits) else { return nil }
        return address(text.extracting(0..<colon))
    }

    /// The address alone, in brackets or not.
    static func address(_ text: RawSpan) -> BanSource? {
        if let address = ipv4(text) { return BanSource(.v4(address)) }
        guard text.byteCount >= 2, text.byteCount <= 47 else { return nil }
        let isBracketed = text.octet(0) == UInt8(ascii: "[")
        guard isBracketed == (text.octet(text.byteCount - 1) == UInt8(ascii: "]")) else { return nil }
        let range = isBracketed ? 1..<text.byteCount - 1 : 0..<text.byteCount
        for offset in range {
            let byte = text.octet(offset)
            guard byte.hexValue != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".") else { return nil }
        }
        return IPv6Address(String(decoding: text.copy(range), as: UTF8.self)).map { BanSource(.v6($0)) }
    }

    /// Four decimal numbers without zeros in front, which some programs would read as octal.
    private static func ipv4(_ text: RawSpan) -> IPv4Address? {
        guard (7...15).contains(text.byteCount) else { return nil }
        var value: UInt32 = 0
        var octet: UInt32 = 0
        var digits = 0
        var dots = 0
        for offset in 0..<text.byteCount {
            let byte = text.octet(offset)
            if byte.isDigit {
                if digits == 3 || digits > 0 && octet == 0 { return nil }
                octet = octet * 10 + UInt32(byte - UInt8(ascii: "0"))
                digits += 1
            } else {
                guard byte == UInt8(ascii: "."), digits > 0, octet < 256, dots < 3 else { return nil }
                value = value << 8 | octet
                (octet, digits, dots) = (0, 0, dots + 1)
            }
        }
        guard dots == 3, digits > 0, octet < 256 else { return nil }
        return IPv4Address(value << 8 | octet)
    }
}
