// ssserver: the Shadowsocks server.
internal import ArgumentParser
internal import SSCommandLine
internal import SSNetwork

@main
struct SSServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssserver", abstract: "An encrypted relay for people behind hostile networks: the server.",
        version: "ssserver \(ProductVersion.current)",
        subcommands: [
            Run.self, Check.self, Init.self, Share.self, Users.self, Block.self, Unblock.self, Blocked.self, Cache.self,
            Autoban.self, Reload.self, Status.self, Doctor.self, GenerateKey.self,
        ], defaultSubcommand: Run.self)

    static func main() async {
        await ProgramMain.run(Self.self, .ssserver, arguments: ProcessArguments.all)
    }
}
