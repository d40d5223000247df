// Address ranges in CIDR notation (RFC 4632 3.1, RFC 4291 2.3), as an operator writes them in `allow_private`
// and in block lists. Strict, because "10.0.0.1/8" is more often a slip than a wish.

/// A range of addresses that share their first `length` bits.
package struct IPPrefix: Hashable, Sendable {
    /// The first address of the range; all host bits are zero.
    package let address: IPAddress
    /// 0...32 for IPv4, 0...128 for IPv6.
    package let length: Int

    /// Nil if `length` is out of range or `address` has host bits set. A range inside ::ffff:0:0/96 becomes
    /// the IPv4 range it spells.
    package init?(_ address: IPAddress, length: Int) {
        switch address {
        case .v4(let v4):
            guard (0...32).contains(length), v4.value & ~Self.mask(length) == 0 else { return nil }
            self.address = address
            self.length = length
        case .v6(let v6):
            guard (0...128).contains(length) else { return nil }
            let mask = Self.wideMask(length)
            guard v6.high & ~mask.high == 0, v6.low & ~mask.low == 0 else { return nil }
            let mapped = length >= 96 ? v6.mappedIPv4 : nil
            self.address = mapped.map(IPAddress.v4) ?? address
            self.length = mapped == nil ? length : length - 96
        }
    }

    /// Parses `192.0.2.0/24`, `2001:db8::/32` or a bare address (its full length); nil for anything else.
    package init?(_ text: some StringProtocol) {
        guard let slash = text.firstIndex(of: "/") else {
            guard let address = IPAddress(text) else { return nil }
            self.init(address, length: address.width)
            return
        }
        let digits = text[text.index(after: slash)...].utf8
        guard let address = IPAddress(text[..<slash]), (1...3).contains(digits.count),
            digits.count == 1 || digits.first != UInt8(ascii: "0")
        else { return nil }
        var length = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            length = length * 10 + Int(digit - UInt8(ascii: "0"))
        }
        self.init(address, length: length)
    }

    /// The network that `192.0.2.9/24` lies in, which is no prefix itself; nil for any other text.
    package init?(containing text: some StringProtocol) {
        guard let slash = text.firstIndex(of: "/"), let address = IPAddress(text[..<slash]),
            let length = Int(text[text.index(after: slash)...])
        else { return nil }
        switch address {
        case .v4(let v4):
            guard (0...32).contains(length) else { return nil }
            self.init(.v4(IPv4Address(v4.value & Self.mask(length))), length: length)
        case .v6(let v6):
            guard (0...128).contains(length) else { return nil }
            let mask = Self.wideMask(length)
            self.init(.v6(IPv6Address(high: v6.high & mask.high, low: v6.low & mask.low)), length: length)
        }
    }

    /// True for an address of the same family inside the range. An IPv4-mapped IPv6 address is IPv6 here:
    /// give `folded` where that is not meant.
    package func contains(_ other: IPAddress) -> Bool {
        switch (address, other) {
        case (.v4(let own), .v4(let other)):
            return other.value & Self.mask(length) == own.value
        case (.v6(let own), .v6(let other)):
            let mask = Self.wideMask(length)
            return other.high & mask.high == own.high && other.low & mask.low == own.low
        case (.v4, .v6), (.v6, .v4):
            return false
        }
    }

    private static func mask(_ length: Int) -> UInt32 { ~0 << UInt32(32 - length) }

    private static func wideMask(_ length: Int) -> (high: UInt64, low: UInt64) {
        (~0 << UInt64(64 - min(length, 64)), ~0 << UInt64(128 - max(length, 64)))
    }
}

extension IPPrefix: CustomStringConvertible {
    package var description: String { "\(address)/\(length)" }
}

extension IPAddress {
    /// The number of bits of an address of this family.
    package var width: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }
}
