// What a person reads on standard error before a program runs, and with which status it then ends.
package import ArgumentParser
package import SSCommon

package enum Report {
    /// contract.md: 1 failed, 2 bad configuration, 64 bad usage.
    package static let failed = ExitCode(1)
    package static let badConfiguration = ExitCode(2)

    private static var palette: Palette {
        Palette(isTerminal: Environment.isTerminal(2), environment: Environment.variable)
    }

    /// All findings and, if there are any, a line that counts them.
    package static func show(_ diagnostics: [Diagnostic], outcome: String) {
        guard !diagnostics.isEmpty else { return }
        let text = DiagnosticRenderer(palette: palette).render(diagnostics)
        Environment.write(text + diagnostics.summary(outcome: outcome) + "\n", to: 2)
    }

    /// One JSON object a line, on standard output: the data of `check --format json`.
    package static func showJSON(_ diagnostics: [Diagnostic]) {
        Environment.write(diagnostics.map { $0.jsonLine + "\n" }.joined(), to: 1)
    }

    /// `error: …` in the form of all messages.
    package static func error(_ text: String, help: String? = nil) {
        var message = palette.paint("error", .error) + palette.paint(": \(text)", .strong) + "\n"
        if let help { message += "   " + palette.paint("= help:", .help) + " \(help)\n" }
        Environment.write(message, to: 2)
    }

    // MARK: Steps

    /// Something that was done, or was looked at and is well.
    package static func done(_ text: String) {
        Environment.write(palette.paint("✓", .success) + " \(text)\n", to: 2)
    }

    /// Something that was looked at and is not well, and what to do about it.
    package static func notDone(_ text: String, help: String? = nil) {
        Environment.write(palette.paint("✗", .error) + " \(text)\n" + (help.map(helpLine) ?? ""), to: 2)
    }

    /// Something to know.
    package static func note(_ text: String, help: String? = nil) {
        Environment.write(palette.paint("note", .warning) + ": \(text)\n" + (help.map(helpLine) ?? ""), to: 2)
    }

    /// A line as it is.
    package static func say(_ text: String) { Environment.write(text + "\n", to: 2) }

    private static func helpLine(_ text: String) -> String { "  " + palette.paint("→", .help) + " \(text)\n" }
}
