// sslocal: the laptop's end.
internal import ArgumentParser
internal import SSCommandLine

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

@main
struct SSLocal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sslocal", abstract: "An encrypted relay for people behind hostile networks: the laptop's end.",
        subcommands: [Run.self, Check.self], defaultSubcommand: Run.self)

    static func main() async {
        do {
            try SubcommandHint.check(
                Array(CommandLine.arguments.dropFirst()), program: .sslocal, known: ["run", "check"])
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
