// The configs and arguments by which each program is told the same thing.
import Foundation

struct PairPlan {
    let pair: Pair
    let options: PairOptions
    let serverPort: UInt16
    let localPort: UInt16
    let tunnelPort: UInt16

    private var loopback: String { "127.0.0.1" }
    private var method: String { pair.method.rawValue }
    private var clientKey: String {
        options.clientKey ?? (options.hasUser ? "\(pair.method.key):\(pair.method.userKey)" : pair.method.key)
    }
    private var users: [[String: String]] {
        options.hasUser ? [["name": "alice", "password": pair.method.userKey]] : []
    }
    private var dialledPort: UInt16 { options.serverPortSeenByClient ?? serverPort }
}

// MARK: Ours

extension PairPlan {
    var ourServer: [String: Any] {
        var config: [String: Any] = [
            "server": loopback, "server_port": serverPort, "method": method, "password": pair.method.key,
            "mode": options.serverHasUDP ? "tcp_and_udp" : "tcp_only", "timeout": 300,
        ]
        if options.hasUser { config["users"] = users }
        let loopbacks = options.allowLoopback ? ["127.0.0.0/8", "::1/128"] : []
        let allowed = options.allowed ?? loopbacks
        if !allowed.isEmpty { config["egress"] = ["allow_private": allowed] }
        return config.merging(options.serverKeys()) { $1 }
    }

    var ourClient: [String: Any] {
        var mixed: [String: Any] = ["protocol": "mixed", "local_address": loopback, "local_port": localPort]
        if !options.users.isEmpty {
            mixed["users"] = options.users.map { ["name": $0.name, "password": $0.password] }
        }
        var locals = [mixed]
        if let target = options.tunnelTarget {
            locals.append([
                "protocol": "tunnel", "local_address": loopback, "local_port": tunnelPort,
                "forward_address": target.host, "forward_port": target.port,
            ])
        }
        let config: [String: Any] = [
            "server": loopback, "server_port": dialledPort, "method": method, "password": clientKey,
            "mode": "tcp_and_udp", "timeout": 300, "locals": locals,
        ]
        return config.merging(options.clientKeys()) { $1 }
    }
}

// MARK: shadowsocks-libev

extension PairPlan {
    private func libev(_ port: UInt16, _ key: String) -> [String] {
        ["-s", loopback, "-p", "\(port)", "-k", key, "-m", method, "-t", "600", "-u", "-n", "20000"]
    }

    var libevServerArguments: [String] { libev(serverPort, RunningPair.key) }

    var libevClientArguments: [String] {
        libev(dialledPort, clientKey) + ["-b", loopback, "-l", "\(localPort)"]
    }

    func libevTunnelArguments(_ target: Endpoint) -> [String] {
        libev(dialledPort, clientKey) + ["-b", loopback, "-l", "\(tunnelPort)", "-L", "\(target)"]
    }
}

// MARK: sing-box

extension PairPlan {
    var singBoxServer: [String: Any] {
        [
            "log": ["level": "error"],
            "inbounds": [
                [
                    "type": "shadowsocks", "listen": loopback, "listen_port": serverPort,
                    "method": method, "password": pair.method.key, "users": users,
                ] as [String: Any]
            ],
            "outbounds": [["type": "direct"]],
        ]
    }

    var singBoxClient: [String: Any] {
        var mixed: [String: Any] = ["type": "mixed", "listen": loopback, "listen_port": localPort]
        if !options.users.isEmpty {
            mixed["users"] = options.users.map { ["username": $0.name, "password": $0.password] }
        }
        var inbounds = [mixed]
        if let target = options.tunnelTarget {
            inbounds.append([
                "type": "direct", "listen": loopback, "listen_port": tunnelPort,
                "override_address": target.host, "override_port": target.port,
            ])
        }
        return [
            "log": ["level": "error"],
            "inbounds": inbounds,
            "outbounds": [
                [
                    "type": "shadowsocks", "server": loopback, "server_port": dialledPort,
                    "method": method, "password": clientKey,
                ] as [String: Any]
            ],
        ]
    }
}
