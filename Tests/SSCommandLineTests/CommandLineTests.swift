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
