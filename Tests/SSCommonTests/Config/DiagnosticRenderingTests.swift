import SSCommon
import Testing

/// Every code as it is printed. The head of each table row is a whole configuration.
struct DiagnosticRenderingTests {
    static let rest = Reading.needed

    @Test("every fault of a server's file is drawn with its place, its carets and the fix", arguments: serverCases)
    func server(text: String, expected: String) {
        #expect(Reading.renderer.render(Reading.server(text).diagnostics) == expected)
    }

    @Test("every fault of a laptop's file is drawn with its place, its carets and the fix", arguments: localCases)
    func local(text: String, expected: String) {
        #expect(Reading.renderer.render(Reading.local(text).diagnostics) == expected)
    }

    static let serverCases: [(String, String)] = [
        (
            "[]",
            """
            error[C005]: a configuration is an object
              ┌─ s.json:1:1
             1 │ []
               │ ^ "{" belongs here

            """
        ),
        (
            "{ \(rest),\n  'a': ? }",
            """
            error[C003]: unexpected "?"
              ┌─ s.json:2:8
             2 │   'a': ?…
               │        ^ a value belongs here

            """
        ),
        (
            "{ \(rest),\n  \"timeout\": 1,\n  \"timeout\": 2 }",
            """
            error[C010]: repeated key "timeout"
              ┌─ s.json:3:3
             3 │   "timeout": 2 }
               │   ^^^^^^^^^ first given at 2:3
               = help: keep one of the two

            """
        ),
        (
            "{ \(rest),\n  \"dns\": \"1.1.1.1\", \"nameserver\": \"9.9.9.9\" }",
            """
            error[C010]: repeated key "nameserver", the same key as "dns"
              ┌─ s.json:2:21
             2 │   "dns": "1.1.1.1", "nameserver": "9.9.9.9" }
               │                     ^^^^^^^^^^^^ first given at 2:3
               = help: keep one of the two

            """
        ),
        (
            "{ \(rest),\n  \"fast_open\": \"yes\" }",
            """
            error[C011]: "fast_open" is text
              ┌─ s.json:2:16
             2 │   "fast_open": "yes" }
               │                ^^^^^ true or false belongs here

            """
        ),
        (
            "{ \(rest),\n\t\"bloklist\": { \"files\": [\"ads.txt\"] } }",
            """
            error[C012]: unknown key "bloklist"
              ┌─ s.json:2:2
             2 │     "bloklist": { "files": ["ads.txt"] } }
               │     ^^^^^^^^^^ not a key of the configuration
               = help: did you mean "blacklist"?

            """
        ),
        (
            "{ \(rest),\n  \"é漢\": 1, \"deny_ports\": [25] }",
            """
            error[C012]: unknown key "é漢"
              ┌─ s.json:2:3
             2 │   "é漢": 1, "deny_ports": [25] }
               │   ^^^^^ not a key of the configuration

            error[C012]: unknown key "deny_ports"
              ┌─ s.json:2:12
             2 │   "é漢": 1, "deny_ports": [25] }
               │             ^^^^^^^^^^^^ not a key of the configuration
               = help: it belongs in "egress"

            """
        ),
        (
            "\n{}",
            """
            error[C013]: "server_port" is missing
              ┌─ s.json:2:1
             2 │ {}
               │ ^ in this object
               = help: add "server_port": 8388, the same on both ends

            error[C013]: "password" is missing
              ┌─ s.json:2:1
             2 │ {}
               │ ^ in this object
               = help: add "password" (make one with: ssserver genkey METHOD) or "password_file"

            error[C013]: "method" is missing
              ┌─ s.json:2:1
             2 │ {}
               │ ^ in this object
               = help: add "method": "2022-blake3-aes-256-gcm", the same on both ends

            """
        ),
        (
            "{ \(rest),\n  \"mode\": \"tcp_and_upd\" }",
            """
            error[C014]: unknown value "tcp_and_upd" of "mode"
              ┌─ s.json:2:11
             2 │   "mode": "tcp_and_upd" }
               │           ^^^^^^^^^^^^^ must be tcp_and_udp, tcp_only or udp_only
               = help: did you mean "tcp_and_udp"?

            """
        ),
        (
            "{ \(rest),\n  \"password_file\": \"key\" }",
            """
            error[C015]: "password" and "password_file" exclude each other
              ┌─ s.json:2:20
             2 │   "password_file": "key" }
               │                    ^^^^^
               = help: keep one of the two

            """
        ),
        (
            "{ \"server\": \"2001:db8::1:8388888\", \"server_port\": 1, \"method\": \"aes-256-gcm\",\n\"password\": \"\(Reading.key)\" }",
            """
            error[C020]: "2001:db8::1:8388888" is no IPv6 address
              ┌─ s.json:1:13
             1 │ { "server": "2001:db8::1:8388888", "server_port": 1, "method": "aes-256-gcm",
               │             ^^^^^^^^^^^^^^^^^^^^^
               = help: with a port, write it as [2001:db8::1]:8388

            """
        ),
        (
            "{ \"server_port\": 83880,\n\"method\": \"aes-256-gcm\", \"password\": \"\(Reading.key)\" }",
            """
            error[C021]: port out of range
              ┌─ s.json:1:18
             1 │ { "server_port": 83880,
               │                  ^^^^^ must be 1…65535

            """
        ),
        (
            "{ \(rest),\n  \"workers\": 0 }",
            """
            error[C022]: "workers" is out of range
              ┌─ s.json:2:14
             2 │   "workers": 0 }
               │              ^ must be a whole number of 1…1024

            """
        ),
        (
            "{ \(rest),\n  \"timeout\": \"10 parsecs\" }",
            """
            error[C023]: "timeout" is no time
              ┌─ s.json:2:14
             2 │   "timeout": "10 parsecs" }
               │              ^^^^^^^^^^^^
               = help: write 500ms, 10s, 5m, 12h, 7d or a number of seconds

            """
        ),
        (
            "{ \(rest),\n  \"cache\": { \"memory\": \"64 barrels\" } }",
            """
            error[C024]: "memory" is no size
              ┌─ s.json:2:24
             2 │   "cache": { "memory": "64 barrels" } }
               │                        ^^^^^^^^^^^^
               = help: write 64KiB, 2MiB, 1GiB or a number of bytes

            """
        ),
        (
            "{ \(rest),\n  \"egress\": { \"allow_private\": [\"10.0.0.1/8\"] } }",
            """
            error[C025]: "10.0.0.1/8" is no address range
              ┌─ s.json:2:33
             2 │   "egress": { "allow_private": ["10.0.0.1/8"] } }
               │                                 ^^^^^^^^^^^^
               = help: write 10.0.0.0/8 or 2001:db8::/32; the bits after the prefix must be zero

            """
        ),
        (
            "{ \(rest),\n  \"state_directory\": \"\" }",
            """
            error[C026]: "state_directory" is empty
              ┌─ s.json:2:22
             2 │   "state_directory": "" }
               │                      ^^

            """
        ),
        (
            "{ \"server_port\": 1, \"password\": \"\(Reading.key)\",\n\"method\": \"aes-256-gmc\" }",
            """
            error[C030]: unknown method "aes-256-gmc"
              ┌─ s.json:2:11
             2 │ "method": "aes-256-gmc" }
               │           ^^^^^^^^^^^^^
               = help: did you mean "aes-256-gcm"?

            """
        ),
        (
            "{ \"server_port\": 1, \"password\": \"\(Reading.key)\",\n\"method\": \"rc4-md5\" }",
            """
            error[C031]: method "rc4-md5" is refused
              ┌─ s.json:2:11
             2 │ "method": "rc4-md5" }
               │           ^^^^^^^^^ it protects nobody
               = help: a stream cipher does not authenticate: anyone on the path can redirect a connection and so \
            decrypt sessions recorded earlier; use 2022-blake3-aes-256-gcm

            """
        ),
        (
            "{ \"server_port\": 1, \"password\": \"\(Reading.key)\",\n\"method\": \"2022-blake3-chacha8-poly1305\" }",
            """
            error[C032]: method "2022-blake3-chacha8-poly1305" is not in this version
              ┌─ s.json:2:11
             2 │ "method": "2022-blake3-chacha8-poly1305" }
               │           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = help: use 2022-blake3-chacha20-poly1305

            """
        ),
        (
            "{ \"server_port\": 1, \"method\": \"2022-blake3-aes-256-gcm\",\n\"password\": \"AAECAwQFBgcICQoLDA0ODw==\" }",
            """
            error[C035]: the key has 16 bytes instead of 32
              ┌─ s.json:2:13
             2 │ "password": "••••••••" }
               │             ^^^^^^^^^^ 32 random bytes in base64
               = help: make one with: ssserver genkey 2022-blake3-aes-256-gcm

            """
        ),
        (
            "{ \"server_port\": 1, \"method\": \"aes-256-gcm\",\n\"password\": \"\(PasswordStrength.examplePlaceholder)\" }",
            """
            error[C033]: this is the example's key, not yours
              ┌─ s.json:2:13
             2 │ "password": "••••••••" }
               │             ^^^^^^^^^^
               = help: make your own with: ssserver genkey METHOD

            """
        ),
        (
            "{ \"server_port\": 1, \"method\": \"aes-256-gcm\",\n\"password\": \"${NOT_THERE}\" }",
            """
            error[C034]: environment variable "NOT_THERE" is not set
              ┌─ s.json:2:13
             2 │ "password": "••••••••" }
               │             ^^^^^^^^^^
               = help: set it for the program, or use "password_file"

            """
        ),
        (
            "{ \"method\": \"aes-256-gcm\", \"password\": \"\(Reading.key)\", \"server_port\": 1,\n\"server\": [\"::1\", \"[::1]:1\"] }",
            """
            error[C041]: [::1]:1 is listened on twice
              ┌─ s.json:2:19
             2 │ "server": ["::1", "[::1]:1"] }
               │                   ^^^^^^^^^
               = help: give it another port

            """
        ),
        (
            "{ \"servers\": [{ \(rest), \"disabled\": true }] }",
            """
            error[C042]: no server is left
              ┌─ s.json:1:3
             1 │ { "servers": [{ "server": "192.0.2.1", "server_port": 8388, "method": "aes-256-gcm", "password": "••••••••…
               │   ^^^^^^^^^ all are disabled, or there are none
               = help: add one, or remove "disabled"

            """
        ),
        (
            "{ \(rest),\n  \"public_host\": \"0.0.0.0\" }",
            """
            error[C026]: "public_host" is 0.0.0.0, which is nowhere to connect to
              ┌─ s.json:2:18
             2 │   "public_host": "0.0.0.0" }
               │                  ^^^^^^^^^ a server listens there
               = help: write the name or address by which laptops reach the server

            """
        ),
        (
            "{ \(rest),\n  \"plugin\": \"obfs\", \"mptcp\": false }",
            """
            warning[C101]: "plugin" has no effect here
              ┌─ s.json:2:3
             2 │   "plugin": "obfs", "mptcp": false }
               │   ^^^^^^^^ a key of another Shadowsocks
               = help: there are no plugins in this version: what leaves is plain Shadowsocks, which a peer behind a \
            plugin does not understand

            warning[C101]: "mptcp" has no effect here
              ┌─ s.json:2:21
             2 │   "plugin": "obfs", "mptcp": false }
               │                     ^^^^^^^ a key of another Shadowsocks

            """
        ),
        (
            "{ \"server_port\": 1, \"method\": \"aes-256-gcm\",\n\"password\": \"barfoo!\" }",
            """
            warning[C102]: weak password
              ┌─ s.json:2:13
             2 │ "password": "••••••••" }
               │             ^^^^^^^^^^ it is printed in manuals and lists of passwords
               = help: whoever records one packet can guess at leisure; make a key with: ssserver genkey METHOD

            """
        ),
        (
            "{ \(rest),\n  \"admin\": { \"bandwidth_api\": true } }",
            """
            warning[C104]: "bandwidth_api" is not acted on by this version
              ┌─ s.json:2:14
             2 │   "admin": { "bandwidth_api": true } }
               │              ^^^^^^^^^^^^^^^

            """
        ),
    ]

    static let localCases: [(String, String)] = [
        (
            "{ \(rest),\n  \"locals\": [{ \"protocol\": \"https\" }] }",
            """
            error[C040]: protocol "https" is not supported by this version
              ┌─ l.json:2:28
             2 │   "locals": [{ "protocol": "https" }] }
               │                            ^^^^^^^
               = help: use "mixed" or "http"; what leaves the laptop is encrypted all the same

            """
        ),
        (
            "{ \(rest),\n  \"locals\": [{ \"protocol\": \"redir\" }, {}] }",
            """
            warning[C101]: protocol "redir" has no effect here
              ┌─ l.json:2:28
             2 │   "locals": [{ "protocol": "redir" }, {}] }
               │                            ^^^^^^^ of another Shadowsocks; this entry is left out

            """
        ),
        (
            "{ \(rest),\n  \"local_address\": \"0.0.0.0\" }",
            """
            warning[C106]: whoever can reach 0.0.0.0:1080 can use your server
              ┌─ l.json:2:20
             2 │   "local_address": "0.0.0.0" }
               │                    ^^^^^^^^^
               = help: listen on 127.0.0.1, or add "users" to this entry of "locals"

            """
        ),
        (
            "{ \"server\": \"::\", \"server_port\": 1,\n\"method\": \"aes-256-gcm\", \"password\": \"\(Reading.key)\" }",
            """
            warning[C107]: [::]:1 is nowhere to connect to
              ┌─ l.json:1:13
             1 │ { "server": "::", "server_port": 1,
               │             ^^^^ a server listens there
               = help: write the name or address of your server

            """
        ),
        (
            "{ \(rest),\n  \"locals\": [{ \"protocol\": \"tunnel\", \"local_port\": 53 }] }",
            """
            error[C013]: "forward_address" is missing
              ┌─ l.json:2:14
             2 │   "locals": [{ "protocol": "tunnel", "local_port": 53 }] }
               │              ^ in this object

            """
        ),
    ]

    @Test("every code appears in a table above or is made by the programs themselves")
    func complete() {
        let drawn = (Self.serverCases + Self.localCases).map(\.1).joined()
        let elsewhere: Set<DiagnosticCode> = [
            .fileTooLarge, .badText, .nestedTooDeep, .tooManyFaults, .unreadableFile, .cannotListen, .exposedFile,
            .visiblePassword,
        ]
        for code in DiagnosticCode.allCases where !elsewhere.contains(code) {
            #expect(drawn.contains("[\(code.rawValue)]"))
        }
    }

    @Test("bytes that are no text are shown as numbers and the rest of their line is not shown")
    func badText() {
        let bytes = Array("{\n \"password\": \"abc".utf8) + [0xff] + Array("def\" }".utf8)
        let loaded = ServerConfiguration.load((bytes, "s.json"))
        #expect(
            Reading.renderer.render(loaded.diagnostics) == """
                error[C002]: not UTF-8
                  ┌─ s.json:2:18
                 2 │ ••••••••\\xff…
                   │         ^^^^ this byte begins no character
                   = help: save the file as UTF-8

                """)
    }

    @Test("a colour is put round words and changes none of them")
    func colours() {
        let diagnostics = Reading.server("{ \(Self.rest),\n \"modd\": 1, \"mptcp\": 1 }").diagnostics
        let coloured = DiagnosticRenderer(palette: Palette(isColoured: true)).render(diagnostics)
        #expect(coloured.contains("\u{1b}[1;31merror[C012]\u{1b}[0m"))
        #expect(coloured.contains("\u{1b}[1;33mwarning[C101]\u{1b}[0m"))
        var plain = ""
        var isInside = false
        for character in coloured {
            if character == "\u{1b}" { isInside = true }
            if !isInside { plain.append(character) }
            if character == "m" { isInside = false }
        }
        #expect(plain == Reading.renderer.render(diagnostics))
    }

    @Test("the JSON form is one object a finding with the same facts")
    func jsonLines() {
        let loaded = Reading.server("{ \(Self.rest),\n \"modd\": 1, \"mptcp\": 1, \"a\\u001b\\\"\\\\\": 0 }")
        #expect(
            loaded.diagnostics.map(\.jsonLine) == [
                #"{"code":"C012","severity":"error","path":"s.json","line":2,"column":2,"message":"unknown key \"modd\": not a key of the configuration","help":"did you mean \"mode\"?"}"#,
                #"{"code":"C101","severity":"warning","path":"s.json","line":2,"column":13,"message":"\"mptcp\" has no effect here: a key of another Shadowsocks","help":null}"#,
                #"{"code":"C012","severity":"error","path":"s.json","line":2,"column":25,"message":"unknown key \"a\\x1b\"\\\": not a key of the configuration","help":null}"#,
            ])
    }

    @Test(
        "the last line counts",
        arguments: [
            ([], "", "no faults"), ([.unknownKey], "", "1 error"), ([.ignored], "started", "1 warning · started"),
            ([.unknownKey, .ignored, .badPort], "nothing was started", "2 errors, 1 warning · nothing was started"),
        ] as [([DiagnosticCode], String, String)])
    func summary(codes: [DiagnosticCode], outcome: String, expected: String) {
        let diagnostics = codes.map { Diagnostic($0, "x", path: "p") }
        #expect(diagnostics.summary(outcome: outcome) == expected)
    }

    @Test("a long line is cut to a window round the fault")
    func longLine() {
        let filler = String(repeating: "\"_c\": 0, ", count: 30_000)
        let loaded = Reading.server("{ \(filler)\"modd\": 1, \(filler) \(Self.rest) }")
        #expect(loaded.diagnostics.count == 1)
        let rendered = Reading.renderer.render(loaded.diagnostics)
        #expect(rendered.utf8.count < 600)
        let lines = rendered.split(separator: "\n")
        #expect(lines[1] == "  ┌─ s.json:1:270003")
        let carets = lines[3].firstRange(of: "^^^^^^").map {
            lines[3].distance(from: lines[3].startIndex, to: $0.lowerBound)
        }
        let key = lines[2].firstRange(of: "\"modd\"").map {
            lines[2].distance(from: lines[2].startIndex, to: $0.lowerBound)
        }
        #expect(key != nil && carets == key)
    }
}
