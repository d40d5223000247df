// The header of every datagram between a SOCKS5 client and its UDP relay (RFC 1928 section 7):
// RSV(2) | FRAG | ATYP | ADDR | PORT | DATA. Fragments are not put together; the RFC then asks to drop them.
import SSCommon

/// Why a datagram is dropped.
enum SOCKSUDPFault: Error, Hashable {
    /// Shorter than its own header.
    case truncated
    /// RSV is not zero.
    case reserved
    /// FRAG is not zero.
    case fragment
    /// The address has an unknown type or an impossible name.
    case badAddress
}

struct SOCKSUDPHeader: Hashable, Sendable {
    /// Where a client's datagram goes, or where a datagram to the client came from.
    var target: TargetAddress

    init(target: TargetAddress) { self.target = target }

    /// Reads the header of a whole datagram; the payload begins at `payloadOffset` and may be empty.
    static func read(_ datagram: RawSpan) throws(SOCKSUDPFault) -> (header: SOCKSUDPHeader, payloadOffset: Int) {
        guard datagram.byteCount >= 3 else { throw .truncated }
        if datagram.bigEndian16(0) != 0 { throw .reserved }
        if datagram.octet(2) != 0 { throw .fragment }
        do throws(SOCKSAddressFault) {
            if let (target, end) = try SOCKSAddress.read(datagram, at: 3) {
                return (SOCKSUDPHeader(target: target), end)
            }
        } catch {
            throw .badAddress
        }
        throw .truncated
    }

    /// The header's bytes; the payload follows them.
    var encoded: [UInt8] {
        var bytes: [UInt8] = [0, 0, 0]
        SOCKSAddress.write(target, to: &bytes)
        return bytes
    }
}
