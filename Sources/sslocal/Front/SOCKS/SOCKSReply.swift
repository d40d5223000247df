// What the front answers: RFC 1928 sections 3 and 6, RFC 1929 section 2, and the SOCKS4 reply.
import SSCommon

/// REP of RFC 1928 section 6.
enum SOCKS5ReplyCode: UInt8, Sendable {
    /// Succeeded.
    case succeeded = 0
    /// General failure.
    case failure = 1
    /// Not allowed by the rules.
    case notAllowed = 2
    /// Network unreachable.
    case networkUnreachable = 3
    /// Host unreachable; also a name without an address.
    case hostUnreachable = 4
    /// Connection refused.
    case refused = 5
    /// TTL expired; used for a target that did not answer in time.
    case timedOut = 6
    /// Command not supported.
    case commandUnsupported = 7
    /// Address type not supported.
    case addressUnsupported = 8
}

enum SOCKSReply {
    /// The method choice (RFC 1928 section 3): 0 no authentication, 2 RFC 1929, 0xff none acceptable.
    static func method(_ method: UInt8) -> [UInt8] { [5, method] }

    /// The RFC 1929 status.
    static func authentication(_ admitted: Bool) -> [UInt8] { [1, admitted ? 0 : 1] }

    /// A SOCKS5 reply. `bound` is BND.ADDR and BND.PORT; 0.0.0.0:0 where there is nothing useful to say, as
    /// for CONNECT through a tunnel, whose outer address is known to the server alone.
    static func version5(_ code: SOCKS5ReplyCode, bound: Endpoint = Endpoint(.v4(IPv4Address(0)), 0)) -> [UInt8] {
        var reply: [UInt8] = [5, code.rawValue, 0]
        SOCKSAddress.write(TargetAddress(.ip(bound.address), port: bound.port), to: &reply)
        return reply
    }

    /// A SOCKS4 reply: 90 granted, 91 rejected or failed.
    static func version4(granted: Bool) -> [UInt8] { [0, granted ? 90 : 91, 0, 0, 0, 0, 0, 0] }
}
