// A method on the command line that is none, in the same words for every command.
package import ArgumentParser
package import SSCommon

extension MethodName {
    /// The method of this name; nil if it is none of ours.
    package static func named(_ name: String) -> CipherMethod? {
        if case .known(let method) = MethodName(name) { method } else { nil }
    }

    /// Says what is wrong with `name` and returns the exit status.
    package static func complain(_ name: String) -> ExitCode {
        let shown = TerminalText.quote(name)
        switch MethodName(name) {
        case .known: break
        case .refused(let reason):
            Report.error("\(shown) is refused: \(reason)", help: "use 2022-blake3-aes-256-gcm")
        case .rare:
            Report.error("\(shown) is not in this version", help: "use 2022-blake3-chacha20-poly1305")
        case .unknown(let suggestion):
            let methods = "methods: " + MethodName.supported.joined(separator: ", ")
            Report.error(
                "\(shown) is no encryption method", help: suggestion.map { "did you mean \"\($0)\"?" } ?? methods)
        }
        return ExitCode(64)
    }
}
