internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have the running server read its configuration again.",
        discussion: "What is wrong with it is said, and changes nothing. SIGHUP does the same.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var admin: AdminFlags

    func run() throws {
        let answer = try admin.answer(of: .ssserver, try admin.client(.ssserver), .post, "/api/v1/reload")
        guard answer.isSuccess else {
            Report.error(answer.error, help: "the configuration from before stays; ssserver check says more")
            throw Report.badConfiguration
        }
        guard !json, let body = answer.json else {
            Environment.write(String(decoding: answer.body, as: UTF8.self), to: 1)
            return
        }
        let changed = (body["changed"]?.elements ?? []).compactMap(\.text)
        Environment.write(
            changed.isEmpty ? "nothing has changed\n" : changed.map { "changed \(TerminalText.plain($0))\n" }.joined(),
            to: 1)
        let later = (body["needs_restart"]?.elements ?? []).compactMap(\.text)
        if !later.isEmpty { Report.note("not before the server is started anew: \(later.joined(separator: ", "))") }
    }
}
