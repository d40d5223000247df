// Draws findings for people, in the form rustc made familiar: head, place, the line, carets, help.

package struct DiagnosticRenderer: Sendable {
    package var palette: Palette

    package init(palette: Palette = .plain) { self.palette = palette }

    /// All of `diagnostics`, a blank line between two. Ends with a line end unless there are none.
    package func render(_ diagnostics: [Diagnostic]) -> String {
        diagnostics.map(render).joined(separator: "\n")
    }

    /// One finding; ends with a line end.
    package func render(_ diagnostic: Diagnostic) -> String {
        let style: Palette.Style =
            switch diagnostic.severity {
            case .error: .error
            case .warning: .warning
            }
        var text = palette.paint("\(diagnostic.severity.rawValue)[\(diagnostic.code.rawValue)]", style)
        text += palette.paint(": \(diagnostic.message)", .strong) + "\n"
        let number = diagnostic.line.map(String.init) ?? ""
        let gutter = max(2, number.utf8.count)
        let blank = String(repeating: " ", count: gutter)
        text += place(diagnostic, blank: blank)
        if let excerpt = diagnostic.excerpt {
            let padded = String(repeating: " ", count: gutter - number.utf8.count) + number
            text += palette.paint("\(padded) │", .frame) + " " + excerpt.text + "\n"
            let carets = String(repeating: "^", count: excerpt.width)
            let beside = diagnostic.label.isEmpty ? carets : carets + " " + diagnostic.label
            text += palette.paint("\(blank) │", .frame) + " " + String(repeating: " ", count: excerpt.indent)
            text += palette.paint(beside, style) + "\n"
        }
        if let help = diagnostic.help { text += "\(blank) " + palette.paint("= help:", .help) + " \(help)\n" }
        return text
    }

    private func place(_ diagnostic: Diagnostic, blank: String) -> String {
        guard !diagnostic.path.isEmpty else { return "" }
        var place = diagnostic.path.unicodeScalars.map { TerminalText.show($0).text }.joined()
        if let line = diagnostic.line {
            place += ":\(line)"
            if let column = diagnostic.column { place += ":\(column)" }
        }
        return blank + palette.paint("┌─", .frame) + " \(place)\n"
    }
}

extension Sequence<Diagnostic> {
    package var hasErrors: Bool { contains { $0.severity == .error } }

    /// "2 errors, 1 warning · nothing was started": counts, then what became of it.
    package func summary(outcome: String) -> String {
        let errors = count { $0.severity == .error }
        let warnings = count { $0.severity == .warning }
        var parts: [String] = []
        if errors > 0 { parts.append(errors == 1 ? "1 error" : "\(errors) errors") }
        if warnings > 0 { parts.append(warnings == 1 ? "1 warning" : "\(warnings) warnings") }
        let counts = parts.isEmpty ? "no faults" : parts.joined(separator: ", ")
        return outcome.isEmpty ? counts : "\(counts) · \(outcome)"
    }
}
