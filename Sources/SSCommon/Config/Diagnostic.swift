// One finding: what is wrong, where, and what to do about it. A value; `DiagnosticRenderer` draws it for
// people, `jsonLine` writes it for editors.

/// One finding about a configuration.
package struct Diagnostic: Hashable, Sendable {
    package var code: DiagnosticCode
    /// The file as the user named it, or "command line".
    package var path: String
    /// From 1; nil where there are no lines.
    package var line: Int?
    /// From 1, in Unicode scalars; nil where there is no place.
    package var column: Int?
    /// What is wrong, in a few words.
    package var message: String
    /// What stands beside the carets; may be empty.
    package var label: String
    /// What to do about it.
    package var help: String?
    /// The line to show.
    package var excerpt: SourceExcerpt?

    package var severity: Severity { code.severity }

    /// A finding about a whole file, or about something that is in none.
    package init(_ code: DiagnosticCode, _ message: String, path: String, help: String? = nil) {
        self.code = code
        self.path = path
        self.message = message
        label = ""
        self.help = help
    }

    /// A finding at a place.
    init(
        _ code: DiagnosticCode, _ message: String, at span: SourceSpan, in source: SourceText, label: String = "",
        help: String? = nil
    ) {
        self.init(code, message, path: source.path, help: help)
        self.label = label
        let position = source.position(of: span.start)
        line = source.isNumbered ? position.line : nil
        column = position.column
        excerpt = SourceExcerpt(of: span, in: source)
    }

    /// One JSON object (RFC 8259) without a line end: code, severity, path, line, column, message, help.
    package var jsonLine: String {
        let text = label.isEmpty ? message : message + ": " + label
        return "{\"code\":\"\(code.rawValue)\",\"severity\":\"\(severity.rawValue)\",\"path\":\(JSONText.quote(path)),"
            + "\"line\":\(line.map(String.init) ?? "null"),\"column\":\(column.map(String.init) ?? "null"),"
            + "\"message\":\(JSONText.quote(text)),\"help\":\(help.map(JSONText.quote) ?? "null")}"
    }
}
