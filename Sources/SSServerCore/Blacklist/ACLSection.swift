// The section lines of a Shadowsocks ACL file, as a server understands them (protocol of shadowsocks-rust and -libev). Each
// has a name from the laptop's side and one from the server's.
internal import SSCommon

enum ACLSection: Hashable, Sendable {
    /// The lines that follow name targets, or clients, that are refused or allowed.
    case refusedTargets
    case allowedTargets
    case refusedClients
    case allowedClients
    /// What is done with all that are not named.
    case refuseTargets
    case acceptTargets
    case refuseClients
    case acceptClients

    /// Nil for what is no such line.
    init?(_ line: some Sequence<UInt8>) {
        switch String(decoding: Array(line.prefix(40)), as: UTF8.self).withoutOuterBlanks {
        case "[outbound_block_list]": self = .refusedTargets
        case "[outbound_allow_list]": self = .allowedTargets
        case "[black_list]", "[bypass_list]": self = .refusedClients
        case "[white_list]", "[proxy_list]": self = .allowedClients
        case "[outbound_block_all]": self = .refuseTargets
        case "[outbound_allow_all]": self = .acceptTargets
        case "[reject_all]", "[bypass_all]": self = .refuseClients
        case "[accept_all]", "[proxy_all]": self = .acceptClients
        default: return nil
        }
    }
}
