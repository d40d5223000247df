// Where findings gather while a configuration is read: each once, and not more than anyone will read, so
// that a file of a million faults costs no more than one of two hundred.

struct FaultList {
    static let limit = 200

    private(set) var diagnostics: [Diagnostic] = []
    private var seen: Set<Place> = []
    private(set) var hasErrors = false
    private(set) var isFull = false

    /// What makes two findings the same. Known before the line is looked up, which may be a megabyte long.
    private struct Place: Hashable {
        let code: DiagnosticCode
        let path: String
        let start: Int
        let message: String
    }

    /// A finding without a place in a text.
    mutating func add(_ diagnostic: Diagnostic) {
        add(diagnostic, Place(code: diagnostic.code, path: diagnostic.path, start: -1, message: diagnostic.message))
    }

    private mutating func add(_ diagnostic: @autoclosure () -> Diagnostic, _ place: Place) {
        if place.code.severity == .error { hasErrors = true }
        guard !isFull, seen.insert(place).inserted else { return }
        let diagnostic = diagnostic()
        if diagnostics.count == Self.limit {
            isFull = true
            diagnostics.append(
                Diagnostic(
                    .tooManyFaults, "more than \(Self.limit) faults; the rest is not shown", path: diagnostic.path))
            hasErrors = true
        } else {
            diagnostics.append(diagnostic)
        }
    }

    mutating func add(
        _ code: DiagnosticCode, _ message: String, at span: SourceSpan, in source: SourceText, label: String = "",
        help: String? = nil
    ) {
        add(
            Diagnostic(code, message, at: span, in: source, label: label, help: help),
            Place(code: code, path: source.path, start: span.start, message: message))
    }

    /// In the order of the text; what has no place comes last.
    var sorted: [Diagnostic] {
        let keyed = diagnostics.enumerated().map { index, diagnostic in
            (line: diagnostic.line ?? Int.max, column: diagnostic.column ?? Int.max, index: index, value: diagnostic)
        }
        return keyed.sorted { ($0.line, $0.column, $0.index) < ($1.line, $1.column, $1.index) }.map(\.value)
    }
}
