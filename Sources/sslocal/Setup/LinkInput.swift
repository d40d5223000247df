// Where a person hands us servers: a link as an argument, standard input, or a file. Whatever stands in an argument that is
// no file may be a key, so no message repeats it.
internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct LinkInput {
    let servers: [ServerLink]
    /// What is wrong with the rest.
    let diagnostics: [Diagnostic]
    /// The link itself was on the command line.
    let isVisible: Bool

    static let help = "paste the whole line that \"ssserver init\" or \"ssserver share\" printed, between single quotes"

    /// `argument` is a link, `-`, or the name of a file. Throws the exit status, with a word of why.
    init(_ argument: String) throws {
        if argument == "-" {
            self = try Self.standardInput()
        } else if argument.contains("://") || argument.contains("@") && !PrivateFile.exists(argument) {
            Environment.hideArgument(argument)
            do throws(ServerLink.Fault) {
                self.init(servers: [try ServerLink(argument)], diagnostics: [], isVisible: true)
            } catch {
                Report.error("this link cannot be read: \(error)", help: Self.help)
                throw ExitCode(64)
            }
        } else {
            self = try Self.file(argument)
        }
    }

    private init(servers: [ServerLink], diagnostics: [Diagnostic], isVisible: Bool) {
        self.servers = servers
        self.diagnostics = diagnostics
        self.isVisible = isVisible
    }

    private init(_ list: ServerList) {
        self.init(servers: list.servers, diagnostics: list.diagnostics, isVisible: false)
    }

    private static func standardInput() throws -> LinkInput {
        do throws(SecretInput.Failure) {
            let bytes = try SecretInput.read(
                prompt: "Paste the link (it is not shown) and press Return: ", limit: SIP008Document.sizeLimit)
            return LinkInput(ServerList(bytes, path: "standard input"))
        } catch {
            Report.error("no link from standard input: \(error)")
            throw Report.failed
        }
    }

    private static func file(_ path: String) throws -> LinkInput {
        do throws(SmallFile.Failure) {
            let file = try SmallFile(path, limit: SIP008Document.sizeLimit)
            return LinkInput(ServerList(file.bytes, path: path))
        } catch {
            Report.error(
                "what stands there is no link (they begin with ss://), and no file that can be read: \(error)",
                help: help)
            throw ExitCode(64)
        }
    }

    /// Says what is wrong, and throws the exit status if nothing is left.
    func report(outcome: String) throws {
        Report.show(diagnostics, outcome: servers.isEmpty ? outcome : "the other servers are taken")
        guard servers.isEmpty else { return }
        if diagnostics.isEmpty { Report.error("there is no link in it", help: Self.help) }
        throw Report.badConfiguration
    }
}
