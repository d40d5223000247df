// ATYP | ADDR | PORT of RFC 1928 section 5, as it stands in SOCKS5 requests and UDP headers.
import SSCommon

/// Why an address cannot be used.
enum SOCKSAddressFault: Error, Hashable {
    /// ATYP is none of 1, 3, 4.
    case unknownType(UInt8)
    /// A name of no bytes, with a NUL, or in brackets that hold no IPv6 address.
    case invalidName
}

enum SOCKSAddress {
    /// Reads the address at `offset`. Returns the target and the offset after it, nil when bytes are missing.
    /// A name that is an IP literal comes back as that IP, so that no rule about addresses is fooled by it.
    static func read(
        _ input: RawSpan, at offset: Int
    ) throws(SOCKSAddressFault) -> (target: TargetAddress, end: Int)? {
        guard input.byteCount > offset else { return nil }
        switch input.octet(offset) {
        case 1:
            guard input.byteCount >= offset + 7 else { return nil }
            let address = IPv4Address(input.bigEndian32(offset + 1))
            return (TargetAddress(.ip(.v4(address)), port: input.bigEndian16(offset + 5)), offset + 7)
        case 3:
            guard input.byteCount >= offset + 2 else { return nil }
            let end = offset + 2 + Int(input.octet(offset + 1))
            if end == offset + 2 { throw .invalidName }
            guard input.byteCount >= end + 2 else { return nil }
            let name = input.copy(offset + 2..<end)
            return (try target(name: name, port: input.bigEndian16(end)), end + 2)
        case 4:
            guard input.byteCount >= offset + 19 else { return nil }
            let address = IPv6Address(high: input.bigEndian64(offset + 1), low: input.bigEndian64(offset + 9))
            return (TargetAddress(.ip(.v6(address)), port: input.bigEndian16(offset + 17)), offset + 19)
        case let type:
            throw .unknownType(type)
        }
    }

    /// The target a name and a port mean.
    static func target(name: [UInt8], port: UInt16) throws(SOCKSAddressFault) -> TargetAddress {
        if let text = String(validating: name, as: UTF8.self), name.first == UInt8(ascii: "[") || IPAddress(text) != nil
        {
            guard let target = TargetAddress(host: text, port: port) else { throw .invalidName }
            return target
        }
        guard let host = HostName(name) else { throw .invalidName }
        return TargetAddress(.name(host), port: port)
    }

    /// Appends the address in the form `read` takes.
    static func write(_ target: TargetAddress, to output: inout [UInt8]) {
        switch target.host {
        case .ip(.v4(let address)):
            output.append(1)
            append(UInt64(address.value), bytes: 4, to: &output)
        case .ip(.v6(let address)):
            output.append(4)
            append(address.high, bytes: 8, to: &output)
            append(address.low, bytes: 8, to: &output)
        case .name(let name):
            output.append(3)
            output.append(UInt8(name.bytes.count))
            output += name.bytes
        }
        append(UInt64(target.port), bytes: 2, to: &output)
    }

    private static func append(_ value: UInt64, bytes: Int, to output: inout [UInt8]) {
        for shift in stride(from: (bytes - 1) * 8, through: 0, by: -8) {
            output.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }
}
