// A first word that is no subcommand gets "did you mean …" instead of "unexpected argument": `run` is the default, so
// the parser takes the word for one of its arguments.
internal import ArgumentParser
internal import SSCommon

package enum SubcommandHint {
    /// Ends with status 64 if the first argument is a word that is no command of `program`.
    package static func check(_ arguments: [String], program: Program) throws {
        let known = program.commands
        guard let word = arguments.first, !word.hasPrefix("-"), !known.contains(word), word != "help" else { return }
        if ServerLink.covered(word) != word {
            let advice =
                program == .sslocal
                ? "\"sslocal init\" asks for one and keeps it; \"sslocal --server-url LINK\" uses it once"
                : "links are for the laptop"
            Report.error("a link is no command of \(program.rawValue)", help: advice)
            throw ExitCode(64)
        }
        let help =
            Program.allCases.first { $0.commands.contains(word) }.map { "that is \"\($0.rawValue) \(word)\"" }
            ?? NearestName.of(word, among: known).map { "did you mean \"\(program.rawValue) \($0)\"?" }
            ?? "commands: " + known.joined(separator: ", ")
        Report.error("\(TerminalText.quote(word)) is no command of \(program.rawValue)", help: help)
        throw ExitCode(64)
    }
}
