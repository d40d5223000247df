// What both programs do before and after their commands: nobody may look into their memory, and whatever is wrong with the
// command line is said in the form of all our messages and without anything that may be a key.
package import ArgumentParser
internal import SSCommon
internal import SSNetwork

package enum ProgramMain {
    /// Runs the command that `arguments` (without the program's name) ask for and ends the process.
    package static func run<Root: AsyncParsableCommand>(
        _ root: Root.Type, _ program: Program, arguments: [String]
    ) async -> Never {
        ProcessMemory.hide()
        do {
            try SubcommandHint.check(arguments, program: program)
            var command = try Root.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            if !(error is ExitCode), let fault = UsageFault(error, of: root, arguments: arguments) {
                let command = program.commands.first { $0 == arguments.first } ?? program.commands[0]
                let more = "\(program.rawValue) \(command) --help lists what there is"
                Report.error(fault.message, help: fault.suggestion.map { "did you mean \($0)? \(more)" } ?? more)
                Root.exit(withError: ExitCode(fault.status))
            }
            // Help and version go to standard output; who threw a status has said why.
            Root.exit(withError: error)
        }
        Root.exit()
    }
}
