import SSCommon
import Testing

struct CommandLineOverridesTests {
    static func flags(_ change: (inout CommandLineOverrides) -> Void) -> CommandLineOverrides {
        var overrides = CommandLineOverrides()
        change(&overrides)
        return overrides
    }

    static func render(_ diagnostics: [Diagnostic]) -> String { Reading.renderer.render(diagnostics) }

    @Test("flags alone are a whole configuration of ssserver")
    func serverFlags() throws {
        let loaded = ServerConfiguration.load(
            nil,
            overrides: Self.flags {
                $0.server = "127.0.0.1:8388"
                $0.method = "chacha20-ietf-poly1305"
                $0.password = "barfoo!"
                $0.udpOnly = true
                $0.timeout = "60"
                $0.nofile = "4096"
                $0.logFormat = "json"
                $0.verbosity = 1
            })
        let configuration = try #require(loaded.configuration)
        #expect(configuration.listeners.map(\.address.description) == ["127.0.0.1:8388"])
        #expect(configuration.listeners.first?.mode == .udpOnly)
        #expect(configuration.listeners.first?.timeout == .seconds(60))
        #expect(configuration.settings.nofile == 4096)
        #expect(configuration.settings.log.format == .json)
        #expect(configuration.settings.log.level == .debug)
        #expect(loaded.diagnostics.map(\.code) == [.visiblePassword, .weakPassword])
    }

    @Test("flags alone are a whole configuration of sslocal")
    func localFlags() throws {
        let loaded = LocalConfiguration.load(
            nil,
            overrides: Self.flags {
                $0.server = "vps.example"
                $0.serverPort = "443"
                $0.localAddress = "[::1]:9000"
                $0.method = "AES-128-GCM"
                $0.passwordFile = "k"
                $0.tcpAndUDP = true
                $0.verbosity = 2
            })
        let configuration = try #require(loaded.configuration)
        #expect(loaded.diagnostics.isEmpty)
        #expect(configuration.servers.map(\.address.description) == ["vps.example:443"])
        #expect(configuration.servers.map(\.password) == [.file("k")])
        #expect(configuration.locals.map(\.address.description) == ["[::1]:9000"])
        #expect(configuration.settings.log.level == .trace)
    }

    @Test(
        "a host with a bad port is one fault, not two", arguments: ["x:0", "x:65536", "x:", "192.0.2.1:a", "[::1]:0"])
    func badPort(server: String) {
        let overrides = Self.flags {
            $0.server = server
            $0.method = "aes-256-gcm"
            $0.passwordFile = "k"
        }
        let codes = [
            ServerConfiguration.load(nil, overrides: overrides).diagnostics.map(\.code),
            LocalConfiguration.load(nil, overrides: overrides).diagnostics.map(\.code),
        ]
        #expect(codes == [[.badPort], [.badPort]])
        let text = "{ \"server\": \"\(server)\", \"method\": \"aes-256-gcm\", \"password\": \"\(Reading.key)\" }"
        #expect(Reading.server(text).diagnostics.map(\.code) == [.badPort])
        #expect(Reading.local(text).diagnostics.map(\.code) == [.badPort])
    }

    @Test("a bad host says nothing about the port, which is missed all the same")
    func badHost() {
        let overrides = Self.flags {
            $0.server = "a b"
            $0.method = "aes-256-gcm"
            $0.passwordFile = "k"
        }
        let codes = ServerConfiguration.load(nil, overrides: overrides).diagnostics.map(\.code)
        #expect(codes == [.badHost, .missingKey])
    }

    @Test("a link in the place of anything else is not shown")
    func link() {
        let link = "ss://YWVzLTI1Ni1nY206c2VjcmV0@h:1"
        let overrides = Self.flags {
            $0.server = link
            $0.method = link
            $0.localAddress = link
            $0.timeout = link
        }
        let flags = Self.render(LocalConfiguration.load(nil, overrides: overrides).diagnostics)
        #expect(flags.contains("a link where a host belongs") && flags.contains("ss://••••••••"))
        #expect(!flags.contains("YWVz"))
        for key in ["server", "method", "mode", "nameserver", "timeout", "server_port", "protocol", "unheard_of"] {
            let text = "{ \"\(key)\": \"\(link)\", \"x\": 1 }"
            let file = Self.render(Reading.local(text).diagnostics + Reading.server(text).diagnostics)
            #expect(!file.isEmpty && !file.contains("YWVz"), "\(file)")
        }
    }

    @Test("nothing at all says which flags are missing")
    func nothing() {
        #expect(
            Self.render(LocalConfiguration.load(nil).diagnostics) == """
                error[C013]: -s HOST:PORT is missing
                  ┌─ command line
                   = help: give -s HOST:PORT, or a configuration with -c FILE

                error[C013]: --password-file FILE is missing
                  ┌─ command line
                   = help: give --password-file FILE, or a configuration with -c FILE

                error[C013]: -m METHOD is missing
                  ┌─ command line
                   = help: give -m METHOD, or a configuration with -c FILE

                """)
        #expect(ServerConfiguration.load(nil).diagnostics.map(\.message).first == "-p PORT is missing")
    }

    @Test("a bad flag is shown with its place and without the password")
    func badFlags() {
        let loaded = ServerConfiguration.load(
            nil,
            overrides: Self.flags {
                $0.server = "2001:db8::1:2:3:4:5:8388"
                $0.serverPort = "83880"
                $0.method = "rc5"
                $0.password = "a secret of some length 12"
                $0.timeout = "soon"
            })
        #expect(
            Self.render(loaded.diagnostics) == """
                error[C020]: an IPv6 address and a port run together
                  ┌─ command line
                   │ -s 2001:db8::1:2:3:4:5:8388 -p 83880 -m rc5 -k •••••••• -t soon
                   │    ^^^^^^^^^^^^^^^^^^^^^^^^
                   = help: did you forget the brackets? write [2001:db8::1:2:3:4:5]:8388

                error[C021]: port out of range
                  ┌─ command line
                   │ -s 2001:db8::1:2:3:4:5:8388 -p 83880 -m rc5 -k •••••••• -t soon
                   │                                ^^^^^ must be 1…65535

                error[C030]: unknown method "rc5"
                  ┌─ command line
                   │ -s 2001:db8::1:2:3:4:5:8388 -p 83880 -m rc5 -k •••••••• -t soon
                   │                                         ^^^
                   = help: use 2022-blake3-aes-256-gcm, 2022-blake3-aes-128-gcm, 2022-blake3-chacha20-poly1305, \
                aes-128-gcm, aes-192-gcm, aes-256-gcm, chacha20-ietf-poly1305 or xchacha20-ietf-poly1305

                warning[C105]: a password on the command line
                  ┌─ command line
                   │ -s 2001:db8::1:2:3:4:5:8388 -p 83880 -m rc5 -k •••••••• -t soon
                   │                                                ^^^^^^^^ every local user can see it in ps
                   = help: use --password-file, or a configuration with "password": "${VARIABLE}"

                error[C023]: -t is no time
                  ┌─ command line
                   │ -s 2001:db8::1:2:3:4:5:8388 -p 83880 -m rc5 -k •••••••• -t soon
                   │                                                            ^^^^
                   = help: write 500ms, 10s, 5m, 12h, 7d or a number of seconds

                """)
        #expect(loaded.diagnostics.first?.jsonLine.contains("\"line\":null,\"column\":4") == true)
    }

    @Test("forgotten brackets are put back")
    func brackets() {
        let loaded = ServerConfiguration.load(nil, overrides: Self.flags { $0.server = "2001:db8:0:0:0:0:0:1:8388" })
        #expect(loaded.diagnostics.first?.message == "an IPv6 address and a port run together")
        #expect(loaded.diagnostics.first?.help == "did you forget the brackets? write [2001:db8:0:0:0:0:0:1]:8388")
        let ambiguous = ServerConfiguration.load(nil, overrides: Self.flags { $0.server = "2001:db8::1:8388" })
        #expect(ambiguous.diagnostics.first?.message == "no port, or an IPv6 address without brackets")
        #expect(ambiguous.diagnostics.first?.help == "did you forget the brackets? write [2001:db8::1]:8388")
        let given = ServerConfiguration.load(
            nil,
            overrides: Self.flags {
                $0.server = "2001:db8::1:8388"
                $0.serverPort = "1"
            })
        #expect(!given.diagnostics.contains { $0.message.contains("brackets") })
    }

    @Test("flags that exclude each other are faults")
    func conflicts() {
        let modes = Reading.server(
            "{ \(Reading.needed) }",
            overrides: Self.flags {
                $0.udpOnly = true
                $0.tcpAndUDP = true
            })
        #expect(modes.diagnostics.map(\.message) == ["-u and -U exclude each other"])
        let passwords = Reading.server(
            "{ \(Reading.needed) }",
            overrides: Self.flags {
                $0.password = Reading.key
                $0.passwordFile = "f"
            })
        #expect(passwords.diagnostics.map(\.code) == [.conflict, .visiblePassword])
        let ports = Reading.server(
            "{ \(Reading.needed) }",
            overrides: Self.flags {
                $0.server = "192.0.2.1:1"
                $0.serverPort = "2"
            })
        #expect(ports.diagnostics.map(\.message) == ["-p names another port than -s"])
    }

    @Test("a flag wins over the file, in every entry too")
    func wins() throws {
        let text = """
            { "server": "192.0.2.9:1", "method": "aes-128-gcm", "password": "\(Reading.key)", "mode": "tcp_only", "timeout": 7,
              "servers": [ { "server": "192.0.2.8", "method": "aes-192-gcm", "password_file": "x", "mode": "tcp_only" } ] }
            """
        let overrides = Self.flags {
            $0.serverPort = "99"
            $0.method = "aes-256-gcm"
            $0.passwordFile = "y"
            $0.timeout = "8"
            $0.udpOnly = true
        }
        let listeners = try #require(Reading.server(text, overrides: overrides).configuration).listeners
        #expect(listeners.map(\.address.description) == ["192.0.2.9:99", "192.0.2.8:99"])
        #expect(listeners.allSatisfy { $0.method == .aes256GCM && $0.password == .file("y") })
        #expect(listeners.allSatisfy { $0.mode == .udpOnly && $0.timeout == .seconds(8) })
    }

    @Test("-s replaces all servers of a file, -b all locals")
    func replaces() throws {
        let text = """
            { "server": "a.example", "server_port": 5, "method": "aes-128-gcm", "password": "\(Reading.key)",
              "servers": [ { "server": "b.example" } ], "locals": [ { "local_port": 7 }, { "local_port": 8 } ] }
            """
        let overrides = Self.flags {
            $0.server = "c.example"
            $0.localAddress = "127.0.0.2"
        }
        let local = try #require(Reading.local(text, overrides: overrides).configuration)
        #expect(local.servers.map(\.address.description) == ["c.example:5"])
        #expect(local.locals.map(\.address.description) == ["127.0.0.2:1080"])
        let port = try #require(Reading.local(text, overrides: Self.flags { $0.localPort = "9" }).configuration)
        #expect(port.locals.map(\.address.description) == ["127.0.0.1:9"])
    }

    @Test("a flag of the laptop says at the server that it does nothing")
    func foreignFlags() {
        let loaded = Reading.server("{ \(Reading.needed) }", overrides: Self.flags { $0.localPort = "1080" })
        #expect(loaded.configuration != nil)
        #expect(loaded.diagnostics.map(\.message) == ["-l has no effect here"])
    }

    @Test("flags print without the password, and foreign bytes in them harm no terminal")
    func printing() {
        let overrides = Self.flags {
            $0.password = "opensesame"
            $0.method = "a\u{1b}[2J\nb"
        }
        var dumped = ""
        dump(overrides, to: &dumped)
        #expect(!"\(overrides)\(dumped)".contains("opensesame"))
        let rendered = Self.render(ServerConfiguration.load(nil, overrides: overrides).diagnostics)
        #expect(rendered.contains("\\x1b[2J") && !rendered.contains("\u{1b}") && !rendered.contains("opensesame"))
    }

    @Test("a file that cannot be read to its end still has its flags checked, and nothing more")
    func brokenFile() {
        let loaded = Reading.server("{ \"server\": ", overrides: Self.flags { $0.serverPort = "0" })
        #expect(loaded.diagnostics.map(\.code) == [.syntax, .badPort])
        #expect(loaded.configuration == nil)
    }
}
