// ssserver: the Shadowsocks server.
internal import ArgumentParser
internal import SSCommandLine

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

@main
struct SSServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssserver", abstract: "An encrypted relay for people behind hostile networks: the server.",
        subcommands: [Run.self, Check.self, GenerateKey.self], defaultSubcommand: Run.self)

    static func main() async {
        do {
            try SubcommandHint.check(
                Array(CommandLine.arguments.dropFirst()), program: .ssserver, known: ["run", "check", "genkey"])
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            exit(withError: error)
        }
    }
}
