// How a command finds the running program it talks to, and what it says when nobody is there.
package import ArgumentParser
package import SSCommon
package import SSNetwork

package struct AdminFlags: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The configuration the program runs with.", valueName: "file"))
    package var config: String?

    @Option(help: ArgumentHelp("Its admin socket, if no configuration says.", valueName: "path"))
    package var socket: String?

    package init() {}

    /// One request. Says what is wrong and throws a status where there is no good answer.
    package func ask(
        _ program: Program, _ method: AdminMethod, _ target: String, _ body: JSONNode? = nil
    ) throws -> AdminClient.Answer {
        let answer = try answer(of: program, try client(program), method, target, body)
        guard answer.isSuccess else {
            Report.error(answer.error)
            throw Report.failed
        }
        return answer
    }

    /// One request, whatever the answer's status is.
    package func answer(
        of program: Program, _ client: AdminClient, _ method: AdminMethod, _ target: String, _ body: JSONNode? = nil
    ) throws -> AdminClient.Answer {
        do throws(AdminClient.Failure) {
            return try client.request(method, target, body)
        } catch {
            Report.error(
                "\(program.rawValue) does not run here: \(error)",
                help: "start it, or say with -c which configuration it runs with")
            throw Report.failed
        }
    }

    package func client(_ program: Program) throws -> AdminClient {
        if let socket { return AdminClient(path: socket) }
        guard let settings = ConfigurationSource.settings(program, config: config) else {
            Report.error(
                config == nil
                    ? "there is no configuration to say where \(program.rawValue) can be reached"
                    : "\(TerminalText.quote(config ?? "")) cannot be read",
                help: "\(program.rawValue) check -c FILE says what is wrong with a configuration; or name the --socket")
            throw Report.failed
        }
        guard let client = AdminSocket.client(program, settings) else {
            Report.error("there is no state directory", help: "name the --socket")
            throw Report.failed
        }
        return client
    }
}
