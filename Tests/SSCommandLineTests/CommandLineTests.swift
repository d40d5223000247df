import ArgumentParser
import SSCommandLine
import SSCommon
import Testing

@Suite("The command line")
struct CommandLineTests {
    @Test("A first word that is no command ends with status 64", arguments: ["rnu", "genky", "x", "\u{1b}[2J"])
    func strangers(word: String) {
        #expect(throws: ExitCode(64)) {
            try SubcommandHint.check([word], program: .ssserver)
        }
    }

    @Test(
        "Commands, flags and nothing pass",
        arguments: [[], ["run"], ["-c", "x"], ["help"], ["--help"], ["check", "x"]])
    func passing(arguments: [String]) throws {
        try SubcommandHint.check(arguments, program: .ssserver)
    }

    @Test(
        "A bad port or format is refused before anything is read",
        arguments: [
            ["-p", "0"], ["-p", "65536"], ["-l", "-1"], ["-p", "a"], ["--log-format", "xml"],
            ["--server-url", "ss://x"],
        ])
    func values(arguments: [String]) {
        #expect(throws: (any Error).self) { try RunFlags.parse(arguments) }
    }

    @Test(
        "A secret is covered from where it stands, and nothing beyond its argument",
        arguments: [
            ("pw", Array("pw".utf8), 0), ("pw", Array("--password=pw".utf8), 11), ("ü", Array("-kü".utf8), 2),
            ("pw", Array("p".utf8), nil), ("pw", [], nil), ("pw", [0xff, 0xff, 0xff], nil),
            // Four bytes that are no UTF-8 are twelve in text.
            ("pw", [0xff, 0xff, 0xff, 0xff, 0x70, 0x77], 0), ("\u{fffd}w", [0x2d, 0x6b, 0xff, 0x77], 0),
        ] as [(String, [UInt8], Int?)])
    func hiding(secret: String, argument: [UInt8], place: Int?) {
        #expect(Environment.placeToHide(secret, in: argument) == place)
    }

    @Test("A link where a command belongs is refused like a stranger")
    func linkAsCommand() {
        #expect(throws: ExitCode(64)) {
            try SubcommandHint.check(["ss://YWVzLTI1Ni1nY206cHc@h:1"], program: .ssserver)
        }
    }

    @Test(
        "A password is read as getopt reads it",
        arguments: [["-kSECRET"], ["-k", "SECRET"], ["--password=SECRET"], ["--password", "SECRET"]])
    func attached(arguments: [String]) throws {
        #expect(try RunFlags.parse(arguments).password == "SECRET")
    }

    @Test("A password may begin with a hyphen", arguments: [["-k", "-SECRET"], ["--password", "-SECRET"]])
    func hyphen(arguments: [String]) throws {
        #expect(try RunFlags.parse(arguments).password == "-SECRET")
    }

    @Test("A link stands for server, port, method and password")
    func link() throws {
        let flags = try RunFlags.parse(["--server-url", "ss://aes-256-gcm:pw@[2001:db8::1]:444"])
        let overrides = flags.overrides
        #expect(overrides.server == "[2001:db8::1]")
        #expect(overrides.serverPort == "444")
        #expect(overrides.method == "aes-256-gcm")
        #expect(overrides.password == "pw")
        #expect(flags.namesServer)
        #expect(flags.secrets == ["ss://aes-256-gcm:pw@[2001:db8::1]:444"])
    }
}
