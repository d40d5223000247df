// Proxy-Authorization: Basic (RFC 7617, RFC 9110 11.7.2).
import SSCommon

struct ProxyCredentials: Equatable {
    let name: [UInt8]
    let password: [UInt8]

    /// Nil without exactly one well-formed Basic field.
    init?(_ head: HTTPHead) {
        let values = head.values(.proxyAuthorization)
        guard values.count == 1, let value = values.first else { return nil }
        let scheme = value.prefix { $0 != 0x20 }
        guard equalIgnoringCase(scheme, "Basic"),
            let decoded = Self.decodeBase64(trimmed(value[scheme.endIndex...])),
            let colon = decoded.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        name = Array(decoded[..<colon])
        password = Array(decoded[(colon + 1)...])
    }

    /// RFC 4648 section 4, padding present or absent; nil for any other byte.
    private static func decodeBase64(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var text = text
        for _ in 0..<2 where text.last == UInt8(ascii: "=") { text.removeLast() }
        if text.count % 4 == 1 { return nil }
        var output: [UInt8] = []
        var accumulator: UInt32 = 0
        var bits = 0
        for byte in text {
            guard let value = sextet(byte) else { return nil }
            accumulator = (accumulator << 6 | UInt32(value)) & 0xfff
            bits += 6
            if bits >= 8 {
                bits -= 8
                output.append(UInt8(truncatingIfNeeded: accumulator >> UInt32(bits)))
            }
        }
        return output
    }

    private static func sextet(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
