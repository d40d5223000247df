internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon

struct GenerateKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "genkey", abstract: "Print a fresh random key for a method.")

    @Argument(help: "Encryption method, such as 2022-blake3-aes-256-gcm.")
    var method: String

    func run() throws {
        switch MethodName(method) {
        case .known(let method):
            print(Base64.encode(Sodium.random(method.keyLength)))
        case .refused(let reason):
            Report.error("\(TerminalText.quote(method)) is refused: \(reason)", help: "use 2022-blake3-aes-256-gcm")
            throw ExitCode(64)
        case .rare:
            Report.error(
                "\(TerminalText.quote(method)) is not in this version", help: "use 2022-blake3-chacha20-poly1305")
            throw ExitCode(64)
        case .unknown(let suggestion):
            let methods = "methods: " + MethodName.supported.joined(separator: ", ")
            Report.error(
                "\(TerminalText.quote(method)) is no encryption method",
                help: suggestion.map { "did you mean \"\($0)\"?" } ?? methods)
            throw ExitCode(64)
        }
    }
}
