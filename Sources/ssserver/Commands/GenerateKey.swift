internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon

struct GenerateKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "genkey", abstract: "Print a fresh random key for a method.")

    @Argument(help: "Encryption method, such as 2022-blake3-aes-256-gcm.")
    var method: String

    func run() throws {
        guard let method = MethodName.named(method) else { throw MethodName.complain(method) }
        print(Base64.encode(Sodium.random(method.keyLength)))
    }
}
