import SSCommon
import Testing

struct ConfigurationTests {
    static let needed = Reading.needed

    @Test("what is not said has the contract's defaults")
    func defaults() throws {
        let server = try #require(Reading.server("{ \(Self.needed) }").configuration)
        let listener = try #require(server.listeners.first)
        #expect(listener.mode == .tcpAndUDP)
        #expect(listener.timeout == .seconds(300))
        #expect(listener.name == nil)
        #expect(server.settings == CommonSettings())
        #expect(server.settings.udpTimeout == .seconds(300))
        #expect(server.settings.noDelay && !server.settings.fastOpen && !server.settings.ipv6First)
        #expect(server.egress == EgressConfiguration())
        let local = try #require(Reading.local("{ \(Self.needed) }").configuration)
        #expect(local.servers == server.listeners)
        #expect(local.locals.map(\.address.description) == ["127.0.0.1:1080"])
    }

    @Test("a server without an address listens on every IPv4 one")
    func anyAddress() throws {
        let text = "{ \"server_port\": 1, \"method\": \"aes-128-gcm\", \"password\": \"\(Reading.key)\" }"
        #expect(Reading.server(text).configuration?.listeners.map(\.address.description) == ["0.0.0.0:1"])
        #expect(Reading.local(text).diagnostics.map(\.message) == ["\"server\" is missing"])
    }

    @Test("keys of the other program are accepted without a word, whatever they hold")
    func otherProgram() {
        let local = "\"local_address\": 3, \"local_port\": [], \"locals\": {}, \"protocol\": 1"
        #expect(Reading.server("{ \(Self.needed), \(local) }").diagnostics.isEmpty)
        let server = "\"egress\": 1, \"blacklist\": [], \"cache\": 1, \"limits\": 2, \"users\": 1, \"port_password\": 7"
        #expect(Reading.local("{ \(Self.needed), \(server) }").diagnostics.isEmpty)
    }

    @Test("comments as keys, $schema, version and null mean nothing")
    func silent() {
        let keys =
            "\"//\": 1, \"// \": 2, \"_x\": 3, \"$schema\": \"x\", \"version\": 1, \"timeout\": null, \"acl\": null"
        let loaded = Reading.server("{ \(Self.needed), \(keys), \"//\": 4, \"_x\": 5 }")
        #expect(loaded.diagnostics.isEmpty)
        #expect(loaded.configuration?.listeners.first?.timeout == .seconds(300))
    }

    @Test("an entry of servers says for itself what it says and takes the rest from the top")
    func inheritance() throws {
        let text = """
            { "server_port": 7, "method": "aes-128-gcm", "password": "\(Reading.key)", "mode": "udp_only", "timeout": "2m",
              "servers": [ { "server": "192.0.2.1" },
                           { "server": "192.0.2.2", "port": 8, "method": "aead_aes_256_gcm", "mode": "tcp_only",
                             "password_file": "k", "timeout": "1500ms", "remarks": "two" } ] }
            """
        let listeners = try #require(Reading.server(text).configuration).listeners
        #expect(listeners.map(\.address.description) == ["192.0.2.1:7", "192.0.2.2:8"])
        #expect(listeners.map(\.method) == [.aes128GCM, .aes256GCM])
        #expect(listeners.map(\.mode) == [.udpOnly, .tcpOnly])
        #expect(listeners.map(\.password) == [.text(Reading.key), .file("k")])
        #expect(listeners.map(\.timeout) == [.seconds(120), .milliseconds(1500)])
        #expect(listeners.map(\.name) == [nil, "two"])
    }

    @Test("one port for TCP and the same for UDP are two listeners, twice TCP is a fault")
    func sameListeners() {
        let servers = { (first: String, second: String) in
            """
            { "server": "192.0.2.1", "method": "aes-128-gcm", "password": "\(Reading.key)", "server_port": 1, "mode": "\(first)",
              "servers": [ { "server": "192.0.2.1", "mode": "\(second)" } ] }
            """
        }
        #expect(Reading.server(servers("tcp_only", "udp_only")).diagnostics.isEmpty)
        #expect(Reading.server(servers("tcp_only", "tcp_and_udp")).diagnostics.map(\.code) == [.sameListener])
    }

    @Test("a password is read from the environment where it says so, and judged then")
    func environment() {
        let text = "{ \"server_port\": 1, \"method\": \"aes-128-gcm\", \"password\": \"${KEY}\" }"
        #expect(Reading.server(text).diagnostics.map(\.code) == [.missingVariable])
        #expect(Reading.server(text, environment: ["KEY": ""]).diagnostics.map(\.code) == [.missingVariable])
        let good = Reading.server(text, environment: ["KEY": Reading.key])
        #expect(good.diagnostics.isEmpty)
        #expect(good.configuration?.listeners.first?.password == .text(Reading.key))
        #expect(Reading.server(text, environment: ["KEY": "test"]).diagnostics.map(\.code) == [.weakPassword])
        let example = ["KEY": PasswordStrength.examplePlaceholder]
        #expect(Reading.server(text, environment: example).diagnostics.map(\.code) == [.exampleKey])
    }

    @Test(
        "egress opens nothing, everything or ranges",
        arguments: [
            ("false", .none), ("true", .all), ("[]", .none),
            ("[\"10.1.0.0/16\", \"fd00::/8\"]", .only([IPPrefix("10.1.0.0/16")!, IPPrefix("fd00::/8")!])),
        ] as [(String, EgressConfiguration.PrivateAccess)])
    func egress(value: String, expected: EgressConfiguration.PrivateAccess) {
        let loaded = Reading.server(
            "{ \(Self.needed), \"egress\": { \"allow_private\": \(value), \"deny_ports\": [] } }")
        #expect(loaded.configuration?.egress.allowPrivate == expected)
        #expect(loaded.configuration?.egress.denyPorts == [])
    }

    @Test("the laptop's listeners come from locals, and from the top where the top says something")
    func locals() throws {
        let text = """
            { \(Self.needed), "ipv6_first": true, "mode": "tcp_only", "locals": [
                { "users": [ { "name": "a", "password": "${P}" } ] },
                { "protocol": "tunnel", "local_port": 53, "forward_address": "dns.example:5353", "mode": "udp_only" },
                { "protocol": "http", "local_address": "[::1]:8080" } ] }
            """
        let locals = try #require(Reading.local(text, environment: ["P": "x"]).configuration).locals
        #expect(locals.map(\.address.description) == ["[::1]:1080", "[::1]:53", "[::1]:8080"])
        #expect(locals.map(\.mode) == [.tcpOnly, .udpOnly, .tcpOnly])
        #expect(locals[0].users == [LocalUser(name: "a", password: "x")])
        guard case .tunnel(let target) = locals[1].service else {
            Issue.record("no tunnel")
            return
        }
        #expect(target.description == "dns.example:5353")
    }

    @Test(
        "locals that cannot be served are faults",
        arguments: [
            ("[]", "nothing is offered on the laptop"),
            ("[{ \"disabled\": true }]", "nothing is offered on the laptop"),
            ("[{}, {}]", "127.0.0.1:1080 is listened on twice"),
            ("[{ \"protocol\": \"sock\" }]", "unknown protocol \"sock\""),
            ("[{ \"protocol\": \"tunnel\", \"forward_address\": \"h\" }]", "\"forward_port\" is missing"),
            ("[{ \"users\": [{ \"name\": \"a:b\", \"password\": \"x\" }] }]", "a colon in a user's name"),
            ("[{ \"users\": [{ \"name\": \"a\" }] }]", "\"password\" is missing"),
            (
                "[{ \"users\": [{ \"name\": \"\(String(repeating: "é", count: 128))\", \"password\": \"x\" }] }]",
                "\"name\" is too long"
            ),
            ("{}", "\"locals\" is an object"), ("[1]", "\"locals\" is a number"),
            ("[{ \"local_port\": 0 }]", "port out of range"),
        ])
    func badLocals(locals: String, message: String) {
        let loaded = Reading.local("{ \(Self.needed), \"locals\": \(locals) }")
        #expect(loaded.diagnostics.filter { $0.severity == .error }.map(\.message) == [message])
        #expect(loaded.configuration == nil)
    }

    @Test("what this version does not act on is carried, and named only where it would matter")
    func planned() throws {
        let quiet = """
            { \(Self.needed), "users": [], "blacklist": { "files": [], "sniff": false }, "cache": { "enabled": false },
              "admin": { "socket": null, "listen": null, "bandwidth_api": false } }
            """
        let loaded = Reading.server(quiet)
        #expect(loaded.diagnostics.isEmpty)
        #expect(loaded.configuration?.cache.isEnabled == false)
        #expect(loaded.configuration?.blacklist.sniff == false)
        let loud = """
            { \(Self.needed), "acl": "a", "users": [{ "name": "alice", "password": "\(Reading.key)", "quota": "100GiB", "rate": "2MiB",
                "streams": 512, "expires": "2027-01-01" }],
              "blacklist": { "files": ["a"], "rules": ["||x^"], "clients": ["198.51.100.0/24"] },
              "cache": { "enabled": true, "ports": [80, 8080], "memory": 1, "disk": "2GiB", "directory": "c", "max_object": "1MB",
                "default_ttl": "5m", "hosts": [{ "host": "Example.net", "ttl": "1h" }], "ttl_header": "X-TTL",
                "set_cookie": "strip", "private_users": true, "targeted_fields": ["CDN-Cache-Control"] },
              "admin": { "socket": "s", "listen": "127.0.0.1:9000", "token_file": "t", "bandwidth_api": true } }
            """
        let all = Reading.server(loud)
        #expect(all.diagnostics.allSatisfy { $0.code == .notActedOn })
        #expect(
            all.diagnostics.map { $0.message.split(separator: "\"").first } == [
                "listen", "bandwidth_api",
            ])
        let configuration = try #require(all.configuration)
        #expect(configuration.admin.listen?.description == "127.0.0.1:9000")
        #expect(configuration.settings.acl == "a")
        #expect(configuration.blacklist.files == ["a"])
        #expect(configuration.blacklist.rules.map(\.text) == ["||x^"])
        #expect(configuration.blacklist.clients.map(\.text) == ["client:198.51.100.0/24"])
        #expect(configuration.blacklist.rules.map(\.line) == [3])
        #expect(configuration.cache.defaultTTL == .seconds(300))
        #expect(configuration.cache.disk == 2 << 30)
        #expect(configuration.cache.hostTTLs == ["example.net": .seconds(3600)])
        #expect(configuration.cache.ttlHeader == "x-ttl")
        #expect(configuration.cache.setCookie == "strip")
        #expect(configuration.cache.privateUsers)
        #expect(configuration.cache.targetedFields == ["cdn-cache-control"])
        #expect(configuration.listeners.first?.users.first?.quota == 100 << 30)
        #expect(configuration.listeners.first?.users.first?.expires == "2027-01-01")
    }

    @Test("a hundred thousand faults cost two hundred lines")
    func manyFaults() {
        let keys = (0..<20_000).map { "\"k\($0)\": 1" }.joined(separator: ",")
        let loaded = Reading.server("{ \(Self.needed), \(keys) }")
        #expect(loaded.diagnostics.count == 201)
        #expect(loaded.diagnostics.last?.code == .tooManyFaults)
    }

    @Test("lists of hosts and ports do not multiply without end")
    func endpointLimit() {
        let hosts = (0..<3_000).map { "\"h\($0)\"" }.joined(separator: ",")
        let ports = (1...3_000).map(String.init).joined(separator: ",")
        let loaded = Reading.local(
            "{ \"server\": [\(hosts)], \"server_port\": [\(ports)], \"method\": \"aes-128-gcm\", \"password\": \"\(Reading.key)\" }"
        )
        #expect(loaded.diagnostics.map(\.message) == ["too many servers"])
    }

    @Test("no configuration prints its passwords")
    func printing() throws {
        let text =
            "{ \(Self.needed), \"locals\": [{ \"users\": [{ \"name\": \"a\", \"password\": \"opensesame\" }] }] }"
        let local = try #require(Reading.local(text).configuration)
        var dumped = ""
        dump(local, to: &dumped)
        for printed in ["\(local)", String(reflecting: local), dumped] {
            #expect(!printed.contains(Reading.key) && !printed.contains("opensesame"))
        }
    }

    @Test(
        "no finding shows a secret, wherever it stands and whatever is wrong beside it",
        arguments: [
            "{\"password\": \"S3CRET\", \"modd\": 1}", "{\"passwrod\": \"S3CRET\"}",
            "{\"port_pasword\": { \"1\": \"S3CRET\" }}", "{\"password\": S3CRET}",
            "{\"password\": \"S3CRET}", "{\"password\" \"S3CRET\"}", "{\"password: \"S3CRET\"}",
            "{\"password\": \"S3\"CRET\"}",
            "{\"port_password\": {\"99999\": \"S3CRET\"}}",
            "{\"port_password\": {\"1\": \"S3CRET\", \"1\": \"S3CRET\"}}",
            "{\"password\": [\"S3CRET\"]}", "{\"password\": {\"a\": \"S3CRET\"}}", "{\"key\": \"S3CRET\", \"x\": ?}",
            "{\"x\": ?, \"password\": \"S3CRET\"}", "{\"password\": 'S3CRET\n}", "{'password': “S3CRET”}",
            "{\"users\": [{\"nam\": 1, \"password\": \"S3CRET\"}]}", "{\"password\": \"${S3CRET\", \"y\": 1}",
            "{password S3CRET}", "{\"PASSWORD\": \"S3CRET\"}", "{\"password\":\n\"S3CRET\", \"a\": 1}",
            "[{\"password\": \"S3CRET\"} ?",
            "{\"password\": \"S3CRET\u{1}\"}", "{\"a\": \"b\"\n\"password\": \"S3CRET\", \"a\" 1",
            "{\"passwd\": \"S3CRET\" x}",
            "{\"password\": \"S3CRET\\q\"}", "{\"admin\": {\"token\": \"S3CRET\"}}",
            "{\"server_port\": 0, \"password\":\"S3CRET\"",
        ])
    func secrets(text: String) {
        for diagnostics in [Reading.server(text).diagnostics, Reading.local(text).diagnostics] {
            #expect(!diagnostics.isEmpty)
            #expect(!Reading.renderer.render(diagnostics).contains("CRET"))
            #expect(!diagnostics.map(\.jsonLine).joined().contains("CRET"))
        }
    }

    @Test("keys of SIP022 are judged as keys, also those that were printed somewhere, and each user has one")
    func keys2022() {
        func codes(_ password: String, _ rest: String = "") -> [DiagnosticCode] {
            Reading.server(
                """
                { "server_port": 1, "method": "2022-blake3-aes-256-gcm", "password": "\(password)"\(rest) }
                """
            ).diagnostics.map(\.code)
        }
        let printed = "YctPZ6U7xPPcU+gp3u+0tx/tRizJN9K8y+uKlW2qjlI="
        #expect(codes(Reading.key2022) == [])
        #expect(codes("password") == [.badKey])
        #expect(codes(printed) == [.weakPassword])
        #expect(codes("8JCsPssfgS8tiRwiMlhARg==") == [.badKey])
        #expect(codes("\(Reading.key2022):\(printed)") == [.badKey])
        func users(_ keys: String...) -> String {
            ", \"users\": ["
                + keys.enumerated().map { "{ \"name\": \"u\($0)\", \"password\": \"\($1)\" }" }
                .joined(separator: ",") + "]"
        }
        let other = Base64.encode([UInt8](repeating: 200, count: 32))
        let respelt = String(other.dropLast())
        #expect(codes(Reading.key2022, users(other)) == [])
        #expect(codes(Reading.key2022, users("test")) == [.badKey])
        #expect(codes(Reading.key2022, users(other, respelt)) == [.repeatedKey])
    }
}
