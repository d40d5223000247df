internal import ArgumentParser
internal import SSCommandLine

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say everything that is wrong with a configuration, and change nothing.")

    @OptionGroup var flags: CheckFlags

    func run() throws {
        try flags.report(PolicyCheck.add(to: ConfigurationSource.server(flags.run), readsFiles: true))
    }
}
