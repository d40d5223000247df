// Where a new server listens: every address of the machine, and a port that is free on it.
internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

enum ListenPort {
    private static let usual: UInt16 = 8388
    /// Below the ports that Linux gives to outgoing connections.
    private static let others: ClosedRange<UInt16> = 10_000...32_000

    /// Of `wanted`, or of a port that is free. Throws the exit status, with a word of why.
    static func choose(_ wanted: UInt16?) throws -> (IPAddress, UInt16) {
        let address = everyAddress
        if let wanted {
            guard let obstacle = PortProbe.obstacle(address, wanted) else { return (address, wanted) }
            Report.error(
                "port \(wanted) cannot be used: \(obstacle)",
                help: "name another, or none: then a free one is taken")
            throw Report.failed
        }
        guard let obstacle = PortProbe.obstacle(address, usual) else { return (address, usual) }
        guard let port = PortProbe.freePort(at: address, in: others) else {
            Report.error("no port is free: \(obstacle)")
            throw Report.failed
        }
        Report.note("port \(usual) cannot be used (\(obstacle)), so port \(port) is taken")
        return (address, port)
    }

    /// "::" takes IPv4 in too, unless the machine has no IPv6.
    private static var everyAddress: IPAddress {
        let both = IPAddress.v6(IPv6Address(high: 0, low: 0))
        let hasIPv6 = PortProbe.obstacle(both, 0, [.udp])?.isUnknownFamily != true
        return hasIPv6 ? both : .v4(IPv4Address(0))
    }
}
