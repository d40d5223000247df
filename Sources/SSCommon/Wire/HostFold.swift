// Some software turns full-width digits, circled digits or ideographic full stops in a host into ASCII before
// it looks the host up (UTS 46 mapping, RFC 3490 3.1 for the dots), so "１２７。0。0。1" means 127.0.0.1 to it.
// This is the slice of that mapping that can spell an address or a separator; it runs before any rule about
// addresses or names is applied, so that no rule is fooled. It is not all of UTS 46.

/// The mapping of host text to its ASCII spelling.
package enum HostFold {
    /// The bytes with every compatibility form of an ASCII letter, digit or dot replaced by the ASCII one and
    /// ignorable characters dropped; all else is kept. Nil if the bytes are no UTF-8. Never grows.
    package static func fold(_ bytes: [UInt8]) -> [UInt8]? {
        if bytes.allSatisfy({ $0 < 0x80 }) { return bytes }
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var folded: [UInt8] = []
        folded.reserveCapacity(bytes.count)
        for scalar in text.unicodeScalars {
            append(scalar, to: &folded)
        }
        return folded
    }

    private static func append(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
        let value = scalar.value
        switch value {
        case 0x00ad, 0x034f, 0x200b, 0x2060, 0x2064, 0xfe00...0xfe0f, 0xfeff:
            break
        case 0x3002, 0xff61:
            bytes.append(UInt8(ascii: "."))
        case 0xff01...0xff5e:
            bytes.append(UInt8(value - 0xfee0))
        case 0x00b2, 0x00b3:
            bytes.append(digit(value - 0x00b0))
        case 0x00b9:
            bytes.append(UInt8(ascii: "1"))
        case 0x2070, 0x2074...0x2079, 0x2080...0x2089:
            bytes.append(digit(value & 0xf))
        case 0x2460...0x2473:
            append(number: value - 0x245f, to: &bytes)
        case 0x2488...0x249b:
            append(number: value - 0x2487, to: &bytes)
            bytes.append(UInt8(ascii: "."))
        case 0x24ea:
            bytes.append(UInt8(ascii: "0"))
        case 0x24b6...0x24cf:
            bytes.append(letter(value - 0x24b6))
        case 0x24d0...0x24e9:
            bytes.append(letter(value - 0x24d0))
        case 0x1d400...0x1d6a3:
            bytes.append(letter((value - 0x1d400) % 26))
        case 0x1d7ce...0x1d7ff:
            bytes.append(digit((value - 0x1d7ce) % 10))
        case 0x1fbf0...0x1fbf9:
            bytes.append(digit(value - 0x1fbf0))
        default:
            bytes.append(contentsOf: UTF8.encode(scalar)!)
        }
    }

    private static func digit(_ value: UInt32) -> UInt8 { UInt8(ascii: "0") + UInt8(value) }

    private static func letter(_ value: UInt32) -> UInt8 { UInt8(ascii: "a") + UInt8(value) }

    private static func append(number: UInt32, to bytes: inout [UInt8]) {
        if number >= 10 { bytes.append(digit(number / 10)) }
        bytes.append(digit(number % 10))
    }
}
