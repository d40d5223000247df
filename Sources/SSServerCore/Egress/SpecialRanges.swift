// The addresses that are not the public internet, as comparisons: no table is searched and nothing allocated.
// RFC 6890 and the IANA special-purpose address registries; cloud metadata addresses from the providers'
// documents.

import SSCommon

enum SpecialRanges {
    /// Why an IPv4 address is not public; nil if it is.
    static func reason(_ address: IPv4Address) -> EgressPolicy.Reason? {
        let value = address.value
        switch value >> 24 {
        case 0, 10, 127: return .privateAddress
        case 100:
            if value == 0x6464_64c8 { return .metadata }  // 100.100.100.200, Alibaba
            return value >> 22 == 0x6440_0000 >> 22 ? .privateAddress : nil  // 100.64/10, RFC 6598
        case 168:
            return value == 0xa83f_8110 ? .metadata : nil  // 168.63.129.16, Azure
        case 169:
            guard value >> 16 == 0xa9fe else { return nil }  // 169.254/16, RFC 3927
            // 169.254.169.254 nearly everywhere; 169.254.170.2 and .23, Amazon's containers.
            switch value {
            case 0xa9fe_a9fe, 0xa9fe_aa02, 0xa9fe_aa17: return .metadata
            default: return .privateAddress
            }
        case 172: return value >> 20 == 0xac1 ? .privateAddress : nil  // 172.16/12
        case 192: return isSpecial192(value) ? .privateAddress : nil
        case 198:
            // 198.18/15, RFC 2544; 198.51.100/24, RFC 5737.
            return value >> 17 == 0xc612_0000 >> 17 || value >> 8 == 0xc6_3364 ? .privateAddress : nil
        case 203: return value >> 8 == 0xcb_0071 ? .privateAddress : nil  // 203.0.113/24, RFC 5737
        case 224...239: return .multicast
        case 240...: return value == .max ? .multicast : .privateAddress
        default: return nil
        }
    }

    /// 192.0.0/24 (RFC 6890), 192.0.2/24 (RFC 5737), 192.88.99/24 (RFC 7526), 192.168/16 (RFC 1918).
    private static func isSpecial192(_ value: UInt32) -> Bool {
        switch value >> 8 {
        case 0xc0_0000, 0xc0_0002, 0xc0_5863: true
        default: value >> 16 == 0xc0a8
        }
    }

    /// Why an IPv6 address is not public; nil if it is. What it may wrap is judged apart.
    static func reason(_ address: IPv6Address) -> EgressPolicy.Reason? {
        let (high, low) = (address.high, address.low)
        if high >> 56 == 0xff { return .multicast }
        if high >> 61 == 0b001 {
            // 2001::/23 (RFC 2928, Teredo in it), 2001:db8::/32 (RFC 3849), 3fff::/20 (RFC 9637).
            let special = high >> 41 == 0x2001_0000 >> 9 || high >> 32 == 0x2001_0db8 || high >> 44 == 0x3fff0
            return special ? .privateAddress : nil
        }
        if high == 0x0064_ff9b_0000_0000, low >> 32 == 0 { return nil }  // 64:ff9b::/96, RFC 6052: see `wrappedIPv4`
        // Amazon's two, Google's one; all in fc00::/7.
        switch (high, low) {
        case (0xfd00_0ec2_0000_0000, 0x254), (0xfd00_0ec2_0000_0000, 0x23), (0xfd20_00ce_0000_0000, 0x254):
            return .metadata
        default: return .privateAddress
        }
    }
}

extension IPv6Address {
    /// The IPv4 address inside an IPv6 one that a translator or tunnel would take out: NAT64 (RFC 6052, and
    /// RFC 8215 with the /96 layout), 6to4 (RFC 3056), Teredo's client (RFC 4380 4), and the deprecated
    /// IPv4-compatible form (RFC 4291 2.5.5.1; `::` and `::1` are not of it). Mapped ones are folded before.
    var wrappedIPv4: IPv4Address? {
        let tail = IPv4Address(UInt32(truncatingIfNeeded: low))
        if high == 0, low >> 32 == 0, low > 1 { return tail }
        if high == 0x0064_ff9b_0000_0000, low >> 32 == 0 { return tail }
        if high >> 16 == 0x0064_ff9b_0001 { return tail }
        if high >> 48 == 0x2002 { return IPv4Address(UInt32(truncatingIfNeeded: high >> 16)) }
        if high >> 32 == 0x2001_0000 { return IPv4Address(~tail.value) }
        return nil
    }
}
