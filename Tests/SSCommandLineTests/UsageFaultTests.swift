import ArgumentParser
import SSCommon
import Testing

@testable import SSCommandLine

/// A program with the flags of both.
private struct Root: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "root", version: "root 1", subcommands: [Run.self, Check.self], defaultSubcommand: Run.self)

    struct Run: ParsableCommand {
        @OptionGroup var flags: RunFlags
    }

    struct Check: ParsableCommand {
        @OptionGroup var flags: CheckFlags
    }
}

@Suite("Errors of the command line")
struct UsageFaultTests {
    private func refusal(_ arguments: [String]) -> UsageFault? {
        do {
            _ = try Root.parseAsRoot(arguments)
            return nil
        } catch {
            return UsageFault(error, of: Root.self, arguments: arguments)
        }
    }

    @Test(
        "No error repeats what may be a password",
        arguments: [
            ["-kSECRET", "-z"], ["-vkSECRET"], ["-k=SECRET", "-z"], ["-k", "x", "SECRET"], ["-k", "x", "y", "SECRET"],
            ["--password=SECRET", "-z"], ["--password", "x", "SECRET"], ["--passwordSECRET"], ["--paswd=SECRET"],
            ["--paswd", "SECRET"], ["--password-SECRET"], ["--server-url=SECRET"], ["--server-urlSECRET"],
            ["--server-url", "SECRET"], ["--server-url", "ss://SECRET"], ["run", "ss://SECRET"],
            ["check", "-k", "x", "SECRET"], ["-p", "ss://SECRET"], ["--log-format", "ss://SECRET"],
            ["--psk", "SECRET"], ["--secret=SECRET"], ["-k", "x", "-p", "ss://SECRET@h:1"],
            ["check", "-k", "SECRET", "--format", "SECRET"],
        ])
    func secrets(arguments: [String]) throws {
        let fault = try #require(refusal(arguments))
        #expect(!fault.message.contains("SECRET"), "\(fault.message)")
        #expect(fault.suggestion?.contains("SECRET") != true)
        #expect(fault.status == 64)
    }

    @Test("A short password is covered where it is quoted, and the sentence stays readable")
    func short() throws {
        let fault = try #require(refusal(["-k", "x", "a"]))
        #expect(fault.message == "unexpected argument '••••••••'")
    }

    @Test(
        "What is no secret is named",
        arguments: [
            (["--confg", "x"], "unknown option '--confg'", "'--config'"),
            (["--password-fiel", "x"], "unknown option '--password-fiel'", "'--password-file'"),
            (["-z"], "unknown option '-z'", nil), (["--foo"], "unknown option '--foo'", nil),
            (["-k", "x", "--foo"], "unknown option '--foo'", nil), (["-c"], "missing value for '-c <file>'", nil),
            (["-k", "x", "-l", "70000"], "-l takes a port from 1 to 65535, not \"70000\"", nil),
            (["-p", "x"], "-p takes a port from 1 to 65535, not \"x\"", nil),
            (["run", "config.json"], "unexpected argument 'config.json'", nil),
            (["--server-url", "x"], "--server-url: a link begins with ss://", nil),
        ] as [([String], String, String?)])
    func named(arguments: [String], message: String, suggestion: String?) throws {
        let fault = try #require(refusal(arguments))
        #expect(fault.message == message)
        #expect(fault.suggestion == suggestion)
    }

    @Test("No byte of the command line repaints the terminal")
    func control() throws {
        let fault = try #require(refusal(["run", "\u{1b}[2J"]))
        #expect(fault.message == "unexpected argument '\\x1b[2J'")
    }

    @Test(
        "Help and version are no faults", arguments: [["--help"], ["-h"], ["--version"], ["help"], ["run", "--help"]])
    func noFault(arguments: [String]) {
        #expect(refusal(arguments) == nil)
    }
}
