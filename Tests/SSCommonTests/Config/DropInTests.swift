import SSCommon
import Testing

/// Configurations as the manuals and packages of other implementations have them.
struct DropInTests {
    /// shadowsocks-libev of Debian, /etc/shadowsocks-libev/config.json.
    static let debian = """
        {
            "server":["::1", "127.0.0.1"],
            "mode":"tcp_and_udp",
            "server_port":8388,
            "local_port":1080,
            "password":"XXXXXXXX",
            "timeout":86400,
            "method":"chacha20-ietf-poly1305"
        }
        """

    static let libev = """
        {
            "server": "[::0]", "server_port": "8388", "local_address": "127.0.0.1", "local_port": "1080",
            "local_ipv4_address": "192.0.2.7", "local_ipv6_address": "::1",
            "password": "barfoo!", "timeout": "60", "method": "AES-256-GCM", "user": "nobody",
            "plugin": "obfs-server", "plugin_opts": "obfs=http", "fast_open": true, "reuse_port": true,
            "tcp_incoming_sndbuf": 8192, "tcp_incoming_rcvbuf": 8192, "tcp_outgoing_sndbuf": 8192,
            "tcp_outgoing_rcvbuf": 8192, "nofile": 51200, "nameserver": "8.8.8.8,8.8.4.4", "dscp": {"EF": 1},
            "tunnel_address": "8.8.8.8:53", "mode": "tcp_only", "mtu": 1492, "mptcp": false, "ipv6_first": true,
            "use_syslog": true, "no_delay": true, "tcp_tproxy": false, "workdir": "/tmp", "acl": "x.acl",
            "manager_address": "127.0.0.1:8839",
        }
        """

    static let manyPorts = """
        {
            "server": "0.0.0.0", "port_password": {"8381": "foobar1", "8382": "foobar2"}, "local_port": 1080,
            "timeout": 300, "method": "aes-256-gcm", "workers": 2, "fast_open": false
        }
        """

    static let python = """
        {
            "server": "my_server_ip", "server_port": 8388, "local_address": "127.0.0.1", "local_port": 1080,
            "password": "mypassword", "timeout": 300, "method": "aes-256-gcm", "fast_open": false, "workers": 1,
            "pid-file": "/var/run/shadowsocks.pid", "log-file": "/var/log/shadowsocks.log", "verbose": 1,
            "user": "nobody", "forbidden_ip": "127.0.0.0/8,::1/128, 10.0.0.0/8", "one_time_auth": false,
            "prefer_ipv6": false, "dns_server": ["8.8.8.8", "8.8.4.4"], "tunnel_remote": "8.8.8.8",
            "tunnel_remote_port": 53, "tunnel_port": 53, "libopenssl": null, "libmbedtls": null, "libsodium": null,
            "daemon": "start", "manager_address": "/tmp/ss.sock"
        }
        """

    /// The long example of shadowsocks-rust's README, with its defaults.
    static let rust = """
        {
            "server": "127.0.0.1", "server_port": 8388, "method": "aes-256-gcm", "password": "hello-kitty",
            "plugin": "v2ray-plugin", "plugin_opts": "mode=quic;host=github.com", "plugin_args": ["--verbose"],
            "plugin_mode": "tcp_and_udp", "timeout": 7200,
            "local_address": "127.0.0.1", "local_port": 1080, "protocol": "socks",
            "locals": [
                { "local_address": "127.0.0.1", "local_port": 1081, "disabled": true, "mode": "tcp_and_udp",
                  "local_udp_address": "127.0.0.1", "local_udp_port": 2081, "socks5_auth_config_path": "/p",
                  "acl": "/path/to/acl/file.acl" },
                { "protocol": "tunnel", "local_address": "127.0.0.1", "local_port": 5353, "mode": "tcp_and_udp",
                  "forward_address": "8.8.8.8", "forward_port": 53 },
                { "protocol": "http", "local_address": "127.0.0.1", "local_port": 3128 },
                { "protocol": "redir", "local_address": "127.0.0.1", "local_port": 60080, "tcp_redir": "tproxy",
                  "udp_redir": "tproxy" },
                { "protocol": "dns", "local_address": "127.0.0.1", "local_port": 53, "local_dns_address": "114.114.114.114",
                  "local_dns_port": 53, "remote_dns_address": "8.8.8.8", "remote_dns_port": 53, "client_cache_size": 5 },
                { "protocol": "tun", "tun_interface_name": "tun0", "tun_interface_address": "10.255.0.1/24" },
                { "protocol": "fake-dns", "local_address": "127.0.0.1", "local_port": 10053,
                  "fake_dns_record_expire_duration": 10, "fake_dns_ipv4_network": "10.255.0.0/16",
                  "fake_dns_ipv6_network": "fdf2:e786:ab40:9d2f::/64", "fake_dns_database_path": "x.sled" }
            ],
            "servers": [
                { "server": "127.0.0.1", "server_port": 8389, "method": "aes-256-gcm", "password": "hello-kitty",
                  "plugin": "...", "plugin_opts": "...", "plugin_args": [], "timeout": 7200,
                  "tcp_weight": 1.0, "udp_weight": 1.0, "acl": "/path", "outbound_fwmark": 255, "outbound_bind_addr": "1.2.3.4",
                  "outbound_bind_interface": "lo", "outbound_udp_allow_fragmentation": true, "id": "x" },
                { "disabled": true, "address": "::", "port": 8390, "method": "chacha20-ietf-poly1305",
                  "password": "x", "remarks": "old" }
            ],
            "udp_timeout": 300, "udp_mtu": 65535, "udp_max_associations": 512, "mode": "tcp_and_udp", "no_delay": false,
            "keep_alive": 15, "nofile": 10240, "ipv6_first": false, "ipv6_only": false, "dns": "google",
            "dns_cache_size": 100, "fast_open": true, "mptcp": false, "outbound_fwmark": 255,
            "manager_address": "127.0.0.1", "manager_port": 6100,
            "security": { "replay_attack": { "policy": "default" } },
            "balancer": { "max_server_rtt": 5, "check_interval": 10, "check_best_interval": 5 },
            "acl": "/x", "online_config": { "config_url": "https://x/", "update_interval": 3600, "allowed_plugins": [] },
            "log": { "level": 1, "format": { "without_time": false }, "writers": [ { "console": {} } ], "config_path": "x" },
            "runtime": { "mode": "multi_thread", "worker_count": 10 },
            "version": 1, "bytes_used": 1, "bytes_remaining": 2
        }
        """

    @Test(
        "configurations of the other programs load on both ends with at most warnings",
        arguments: [debian, libev, python, rust])
    func loads(text: String) {
        let server = Reading.server(text)
        #expect(!server.diagnostics.hasErrors)
        #expect(server.configuration != nil)
        let local = Reading.local(text)
        #expect(!local.diagnostics.hasErrors)
        #expect(local.configuration != nil)
    }

    @Test("every key of theirs that does nothing here is named once")
    func named() {
        let keys = { (loaded: [Diagnostic]) in
            loaded.filter { $0.code == .ignored }.compactMap {
                $0.message.split(separator: "\"").first.map(String.init)
            }
        }
        let expected = [
            "local_ipv4_address", "local_ipv6_address", "user", "plugin", "plugin_opts", "reuse_port",
            "tcp_incoming_sndbuf", "tcp_incoming_rcvbuf", "tcp_outgoing_sndbuf", "tcp_outgoing_rcvbuf", "dscp",
            "tunnel_address", "mtu", "mptcp", "use_syslog", "tcp_tproxy", "workdir",
        ]
        #expect(keys(Reading.server(Self.libev).diagnostics) == expected)
        #expect(keys(Reading.local(Self.libev).diagnostics) == expected)
    }

    @Test("a list of addresses is several listeners at the server and several servers at the laptop")
    func debianAddresses() throws {
        let expected = ["[::1]:8388", "127.0.0.1:8388"]
        let server = try #require(Reading.server(Self.debian).configuration)
        #expect(server.listeners.map(\.address.description) == expected)
        #expect(server.listeners.allSatisfy { $0.timeout == .seconds(86_400) && $0.method == .chacha20Poly1305 })
        let local = try #require(Reading.local(Self.debian).configuration)
        #expect(local.servers.map(\.address.description) == expected)
        #expect(local.locals.map(\.address.description) == ["127.0.0.1:1080"])
        #expect(local.locals.map(\.service) == [.mixed])
    }

    @Test("libev's numbers in quotes, brackets and lists of name servers are understood")
    func libevValues() throws {
        let server = try #require(Reading.server(Self.libev).configuration)
        let listener = try #require(server.listeners.first)
        #expect(listener.address.description == "[::]:8388")
        #expect(listener.method == .aes256GCM)
        #expect(listener.password == .text("barfoo!"))
        #expect(listener.timeout == .seconds(60))
        #expect(listener.mode == .tcpOnly)
        #expect(server.settings.nofile == 51_200)
        #expect(server.settings.fastOpen)
        #expect(server.settings.ipv6First)
        #expect(server.settings.acl == "x.acl")
        #expect(server.settings.nameservers.map(\.endpoint.description) == ["8.8.8.8:53", "8.8.4.4:53"])
    }

    @Test("port_password is a listener a port, each with its password")
    func ports() throws {
        let loaded = Reading.server(Self.manyPorts)
        let server = try #require(loaded.configuration)
        #expect(server.listeners.map(\.address.description) == ["0.0.0.0:8381", "0.0.0.0:8382"])
        #expect(server.listeners.map(\.password) == [.text("foobar1"), .text("foobar2")])
        #expect(server.settings.workers == 2)
        #expect(loaded.diagnostics.map(\.code) == [.weakPassword, .weakPassword])
    }

    @Test("python's forbidden addresses are refused besides the private ones")
    func forbidden() throws {
        let server = try #require(Reading.server(Self.python).configuration)
        #expect(server.egress.denied.map(\.description) == ["127.0.0.0/8", "::1/128", "10.0.0.0/8"])
        #expect(server.egress.allowPrivate == .none)
        #expect(server.egress.denyPorts == [25])
        #expect(server.settings.nameservers.count == 2)
        let odd = Reading.server("{ \(Reading.needed), \"forbidden_ip\": [\"10.0.0.0/8\", \"all of them\"] }")
        #expect(odd.configuration?.egress.denied.map(\.description) == ["10.0.0.0/8"])
        #expect(odd.diagnostics.map(\.code) == [.ignored, .ignored, .ignored])
        let empty = Reading.server("{ \(Reading.needed), \"forbidden_ip\": \"\" }")
        #expect(empty.diagnostics.isEmpty)
    }

    @Test("rust's servers and locals are one list with the top level first, the disabled ones left out")
    func rustLists() throws {
        let local = try #require(Reading.local(Self.rust).configuration)
        #expect(local.servers.map(\.address.description) == ["127.0.0.1:8388", "127.0.0.1:8389"])
        #expect(local.locals.map(\.address.description) == ["127.0.0.1:1080", "127.0.0.1:5353", "127.0.0.1:3128"])
        let target = TargetAddress(.ip(.v4(IPv4Address(8, 8, 8, 8))), port: 53)
        #expect(local.locals.map(\.service) == [.socks, .tunnel(target), .http])
        #expect(local.settings.nameservers.count == 4)
        #expect(local.settings.keepAlive == .seconds(15))
        #expect(local.settings.log.level == .debug)
        #expect(!local.settings.noDelay)
    }

    @Test("several ports of python's client multiply with its servers")
    func portLists() throws {
        let local = try #require(
            Reading.local(
                """
                { "server": ["a.example", "[2001:db8::1]:9"], "server_port": [1, "2"], "method": "aes-128-gcm",
                  "password": "\(Reading.key)" }
                """
            ).configuration)
        #expect(local.servers.map(\.address.description) == ["a.example:1", "a.example:2", "[2001:db8::1]:9"])
    }
}
