// sslocal: the laptop's end.
internal import ArgumentParser
internal import SSCommandLine
internal import SSNetwork

@main
struct SSLocal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sslocal", abstract: "An encrypted relay for people behind hostile networks: the laptop's end.",
        version: "sslocal \(ProductVersion.current)",
        subcommands: [Run.self, Check.self, Init.self, PrintURL.self, Status.self, Use.self, Doctor.self],
        defaultSubcommand: Run.self)

    static func main() async {
        await ProgramMain.run(Self.self, .sslocal, arguments: ProcessArguments.all)
    }
}
