// Every spelling of an address that a C library, a browser or a resolver takes for one: inet_aton's "127.1",
// "0x7f.1", "0177.0.0.1", "2130706433" and "0", one trailing dot, brackets, a zone, full-width and circled
// digits. A host that is any of these is that address and nothing else, so it is judged and dialled as the
// number; it never reaches a resolver that would read it in its own way.

/// An address found in host text by the most lenient reading there is.
package struct NumericHost: Hashable, Sendable {
    package let address: IPAddress

    /// Nil if nobody would take these bytes for an address. A zone is dropped.
    package init?(_ bytes: [UInt8]) {
        guard Self.mayBeNumeric(bytes), let folded = HostFold.fold(bytes) else { return nil }
        var text = folded.prefix { !Self.isSpace($0) }  // inet_aton stops reading at white space
        if text.last == UInt8(ascii: ".") { text.removeLast() }
        if text.first == UInt8(ascii: "["), text.last == UInt8(ascii: "]") { text = text.dropFirst().dropLast() }
        if text.contains(UInt8(ascii: ":")) {
            let bare = text.prefix { $0 != UInt8(ascii: "%") }
            guard let address = IPv6Address(String(decoding: bare, as: UTF8.self)) else { return nil }
            self.address = .v6(address)
        } else {
            guard let address = Self.dotted(text) else { return nil }
            self.address = .v4(address)
        }
    }

    package init?(_ text: some StringProtocol) {
        self.init([UInt8](text.utf8))
    }

    package init?(_ name: HostName) {
        self.init(name.bytes)
    }

    /// The cheap look that clears ordinary names: an address has a colon, white space, something outside ASCII
    /// or a last label that begins with a digit.
    private static func mayBeNumeric(_ bytes: [UInt8]) -> Bool {
        var labelStart = true
        var lastLabelIsNumber = false
        for byte in bytes {
            if byte >= 0x80 || byte == UInt8(ascii: ":") || isSpace(byte) { return true }
            if byte == UInt8(ascii: ".") {
                labelStart = true
            } else if labelStart, byte != UInt8(ascii: "[") {
                lastLabelIsNumber = isDigit(byte)
                labelStart = false
            }
        }
        return lastLabelIsNumber
    }

    /// inet_aton(3): one to four numbers, the last of which fills all remaining octets.
    private static func dotted(_ text: ArraySlice<UInt8>) -> IPv4Address? {
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count <= 4 else { return nil }
        var value: UInt32 = 0
        for (index, part) in parts.enumerated() {
            guard let number = number(part) else { return nil }
            if index == parts.count - 1 {
                guard number <= UInt32.max >> UInt32(8 * index) else { return nil }
                value |= number
            } else {
                guard number <= 255 else { return nil }
                value |= number << UInt32(24 - 8 * index)
            }
        }
        return IPv4Address(value)
    }

    /// strtoul(3) with base 0: hexadecimal after 0x, octal after 0, else decimal; "0x" alone is 0, as in the
    /// WHATWG URL standard.
    private static func number(_ text: ArraySlice<UInt8>) -> UInt32? {
        guard let first = text.first, isDigit(first) else { return nil }
        var digits = text
        var base: UInt64 = 10
        if first == UInt8(ascii: "0"), text.count > 1 {
            base = 8
            digits = digits.dropFirst()
            if digits.first.map({ $0 | 0x20 }) == UInt8(ascii: "x") {
                base = 16
                digits = digits.dropFirst()
            }
        }
        var value: UInt64 = 0
        for digit in digits {
            guard let digit = hexValue(digit), digit < base else { return nil }
            value = value * base + digit
            if value > UInt32.max { return nil }
        }
        return UInt32(value)
    }

    private static func hexValue(_ byte: UInt8) -> UInt64? {
        if isDigit(byte) { return UInt64(byte - UInt8(ascii: "0")) }
        let lower = byte | 0x20
        guard lower >= UInt8(ascii: "a"), lower <= UInt8(ascii: "f") else { return nil }
        return UInt64(lower - UInt8(ascii: "a")) + 10
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (9...13).contains(byte)
    }
}

extension TargetAddress {
    /// The same target with a name that spells an address replaced by the address, and an IPv4-mapped IPv6
    /// address by the IPv4 one. Policy and dialling look at this form only.
    package var canonical: TargetAddress {
        switch host {
        case .ip(let address):
            TargetAddress(.ip(address.folded), port: port)
        case .name(let name):
            NumericHost(name).map { TargetAddress(.ip($0.address.folded), port: port) } ?? self
        }
    }
}
