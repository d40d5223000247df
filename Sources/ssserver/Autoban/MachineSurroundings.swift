// Whose addresses this machine depends on: its own, its gateways', its name servers', those of who is logged in. To ban one of them
// would be to cut the branch that one sits on.
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

enum MachineSurroundings {
    /// Of each file that is read: 200,000 connections, one of which may be the owner's.
    private static let limit = 32 << 20

    static func entries() -> [BanExemptions.Entry] {
        OwnAddresses.current().map { .init($0, "an address of this machine") }
            + (gateways4(read("/proc/net/route")) + gateways6(read("/proc/net/ipv6_route"))).map {
                .init($0, "a gateway")
            }
            + ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"].flatMap { nameservers(read($0)) }.map {
                .init($0, "a name server of this machine")
            }
            + logins().map { .init($0, "connected to the SSH port") }
    }

    private static func read(_ path: String) -> [Substring] {
        // What is not there says nothing; so does what is larger than anything it could say.
        guard let file = try? SmallFile(path, limit: limit) else { return [] }
        return String(decoding: file.bytes, as: UTF8.self).split(separator: "\n")
    }

    // MARK: Routes

    /// `Iface Destination Gateway …`, numbers as the machine has them in memory (proc(5)).
    static func gateways4(_ lines: [Substring]) -> [IPAddress] {
        lines.compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count > 2, words[2].utf8.count == 8, let number = UInt32(words[2], radix: 16), number != 0
            else {
                return nil
            }
            return .v4(IPv4Address(UInt32(bigEndian: number)))
        }
    }

    /// `destination length source length gateway …`, 32 digits each.
    static func gateways6(_ lines: [Substring]) -> [IPAddress] {
        lines.compactMap { line in
            let words = line.split(separator: " ")
            guard words.count > 4, words[4].utf8.count == 32, let high = UInt64(words[4].prefix(16), radix: 16),
                let low = UInt64(words[4].suffix(16), radix: 16), (high, low) != (0, 0)
            else { return nil }
            return .v6(IPv6Address(high: high, low: low))
        }
    }

    /// resolv.conf(5); a zone behind the address is nobody's here.
    static func nameservers(_ lines: [Substring]) -> [IPAddress] {
        lines.compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count > 1, words[0] == "nameserver" else { return nil }
            return IPAddress(words[1].prefix { $0 != "%" })
        }
    }

    // MARK: SSH

    private static func sshFiles() -> [String] {
        ["/etc/ssh/sshd_config"]
            + ["/etc/ssh/sshd_config.d", "/etc/systemd/system/ssh.socket.d", "/etc/systemd/system/sshd.socket.d"]
            .flatMap {
                folder in LogSiblings.names(in: folder).filter { $0.hasSuffix(".conf") }.map { "\(folder)/\($0)" }
            }
    }

    private static func logins() -> [IPAddress] {
        let ports = sshPorts(sshFiles().flatMap { read($0) })
        let sockets = LoginSockets.peers(at: ports) ?? listed(at: ports)
        let own = ["SSH_CONNECTION", "SSH_CLIENT"].compactMap { name in
            Environment.variable(name)?.split(separator: " ").first.flatMap { IPAddress($0) }
        }
        return Array(Set(sockets + own))
    }

    /// What the kernel prints of its connections.
    static func listed(at ports: Set<UInt16>) -> [IPAddress] {
        ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { path -> [IPAddress] in
            guard let file = try? SmallFile(path, limit: limit) else { return [] }
            return connections(file.bytes, at: ports).compactMap { peer($0, at: ports) }
        }
    }

    /// The lines about open connections to one of `ports`. There may be very many others, which nobody is to wait for.
    static func connections(_ bytes: [UInt8], at ports: Set<UInt16>) -> [Substring] {
        let wanted = ports.map { port in
            let digits = String(port, radix: 16, uppercase: true)
            return Array((String(repeating: "0", count: 4 - digits.count) + digits).utf8)
        }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            // `  12: ADDRESS:PORT ADDRESS:PORT STATE`
            guard let number = line.firstIndex(of: UInt8(ascii: ":")),
                let colon = line[(number + 1)...].firstIndex(of: UInt8(ascii: ":")), colon + 5 <= line.endIndex,
                wanted.contains(where: { line[(colon + 1)..<(colon + 5)].elementsEqual($0) })
            else { return nil }
            return Substring(decoding: line, as: UTF8.self)
        }
    }

    /// 22, and what sshd_config(5) says.
    static func sshPorts(_ lines: [Substring]) -> Set<UInt16> {
        var ports: Set<UInt16> = [22]
        for line in lines {
            let words = line.split { $0.isWhitespace || $0 == "=" }
            guard words.count > 1 else { continue }
            switch words[0].lowercased() {
            case "port": if let port = UInt16(words[1]) { ports.insert(port) }
            case "listenaddress":
                // With one colon, or one behind a bracket; without a port it is what Port says.
                if words[1].count(where: { $0 == ":" }) == 1 || words[1].contains("]:"),
                    let port = words[1].split(separator: ":").last.flatMap({ UInt16($0) })
                {
                    ports.insert(port)
                }
            // Of a socket unit: ListenStream=2222
            case "listenstream":
                if let port = words[1].split(separator: ":").last.flatMap({ UInt16($0) }) { ports.insert(port) }
            default: break
            }
        }
        return ports
    }

    /// Of a line of /proc/net/tcp or tcp6 (proc(5)) about an open connection to one of `ports`.
    static func peer(_ line: Substring, at ports: Set<UInt16>) -> IPAddress? {
        let words = line.split(separator: " ", maxSplits: 4)
        guard words.count > 3, words[3] == "01", let local = words[1].split(separator: ":").last,
            let port = UInt16(local, radix: 16), ports.contains(port),
            let remote = words[2].split(separator: ":").first
        else { return nil }
        let parts = stride(from: 0, to: remote.utf8.count, by: 8).compactMap { offset in
            UInt32(remote.dropFirst(offset).prefix(8), radix: 16).map { UInt32(bigEndian: $0) }
        }
        switch parts.count {
        case 1: return .v4(IPv4Address(parts[0]))
        case 4:
            return IPAddress.v6(
                IPv6Address(
                    high: UInt64(parts[0]) << 32 | UInt64(parts[1]), low: UInt64(parts[2]) << 32 | UInt64(parts[3]))
            ).folded
        default: return nil
        }
    }
}
