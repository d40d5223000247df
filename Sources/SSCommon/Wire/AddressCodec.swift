// ATYP(1) | ADDR | PORT(2), RFC 1928 section 5, shared by SOCKS5 requests, SOCKS5 datagrams and Shadowsocks.

extension TargetAddress {
    private enum AddressType {
        static let ipv4: UInt8 = 1
        static let name: UInt8 = 3
        static let ipv6: UInt8 = 4
    }

    /// The longest encoding: type, length, 255 bytes of name, port.
    package static let maximumEncodedCount = 259

    /// An address at the front of `bytes` and how many bytes it takes; nil if more bytes are needed. A name
    /// that is an IP literal comes back as that IP, so that no rule on addresses is passed by spelling.
    package static func decode(_ bytes: borrowing RawSpan) throws(StreamFault) -> (address: TargetAddress, count: Int)?
    {
        guard bytes.byteCount > 0 else { return nil }
        switch bytes[0] {
        case AddressType.ipv4:
            guard bytes.byteCount >= 7 else { return nil }
            let address = IPv4Address(bytes[1], bytes[2], bytes[3], bytes[4])
            return (TargetAddress(.ip(.v4(address)), port: bytes.bigEndian16(at: 5)), 7)
        case AddressType.ipv6:
            guard bytes.byteCount >= 19 else { return nil }
            let address = IPv6Address(high: bytes.bigEndian64(at: 1), low: bytes.bigEndian64(at: 9))
            return (TargetAddress(.ip(.v6(address)), port: bytes.bigEndian16(at: 17)), 19)
        case AddressType.name:
            guard bytes.byteCount >= 2 else { return nil }
            let length = Int(bytes[1])
            guard length > 0 else { throw .malformedAddress }
            guard bytes.byteCount >= 4 + length else { return nil }
            let name = bytes.extracting(2..<2 + length).withUnsafeBytes { [UInt8]($0) }
            guard let host = HostName(name) else { throw .malformedAddress }
            let port = bytes.bigEndian16(at: 2 + length)
            if host.mayBeLiteral, let text = host.text, let address = IPAddress(text) {
                return (TargetAddress(.ip(address), port: port), 4 + length)
            }
            return (TargetAddress(.name(host), port: port), 4 + length)
        default:
            throw .malformedAddress
        }
    }

    /// Bytes that `encode` writes: 7, 19 or 4 + the name's.
    package var encodedCount: Int {
        switch host {
        case .ip(.v4): 7
        case .ip(.v6): 19
        case .name(let name): 4 + name.bytes.count
        }
    }

    /// Appends the encoding; `output` must have room for `encodedCount` bytes.
    package func encode(into output: inout OutputRawSpan) {
        switch host {
        case .ip(.v4(let address)):
            output.append(AddressType.ipv4)
            output.append(bigEndian: address.value)
        case .ip(.v6(let address)):
            output.append(AddressType.ipv6)
            output.append(bigEndian: address.high)
            output.append(bigEndian: address.low)
        case .name(let name):
            output.append(AddressType.name)
            output.append(UInt8(name.bytes.count))
            output.append(copying: name.bytes.span.bytes)
        }
        output.append(bigEndian: port)
    }
}
