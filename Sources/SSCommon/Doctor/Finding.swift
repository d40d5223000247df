// What an examination found: one line a thing that was looked at, as a person and as a script reads it.

package struct Finding: Hashable, Sendable {
    package enum Verdict: String, Hashable, Sendable {
        case ok
        /// Works; to know all the same.
        case note
        case broken
        /// Not looked at, because something before it is broken or because it is not wanted.
        case skipped
    }

    /// What was looked at, in one word.
    package var leg: String
    package var verdict: Verdict
    /// Without foreign bytes and without secrets.
    package var text: String
    /// How long it took; nil where that says nothing.
    package var time: Duration?
    /// What to do, one thing a line; empty where there is nothing to do.
    package var cure: [String]

    package init(_ leg: String, _ verdict: Verdict, _ text: String, time: Duration? = nil, cure: [String] = []) {
        self.leg = leg
        self.verdict = verdict
        self.text = text
        self.time = time
        self.cure = cure
    }

    /// Seen by a person: a sign, the word for it, what was looked at, what was found; then what to do.
    package func text(_ palette: Palette) -> String {
        let (sign, word, style): (String, String, Palette.Style) =
            switch verdict {
            case .ok: ("✓", "ok", .success)
            case .note: ("!", "note", .warning)
            case .broken: ("✗", "broken", .error)
            case .skipped: ("-", "skipped", .faint)
            }
        let time = time.map { " " + palette.paint("(\(Self.milliseconds($0)))", .faint) } ?? ""
        var lines = [
            "  " + palette.paint("\(sign) " + Self.padded(word, 8), style) + Self.padded(leg, 10) + text + time
        ]
        lines += cure.map { Self.padded("", 22) + palette.paint("→", .help) + " \($0)" }
        return lines.map { $0 + "\n" }.joined()
    }

    /// Seen by a script.
    package var json: JSONNode {
        .members([
            "leg": .string(leg), "verdict": .string(verdict.rawValue), "text": .string(text),
            "ms": time.map { .decimal($0 / .milliseconds(1)) } ?? .null,
            "cure": .array(cure.map { .string($0) }),
        ])
    }

    /// `0.4 ms`, `12 ms`.
    private static func milliseconds(_ time: Duration) -> String {
        let milliseconds = time / .milliseconds(1)
        guard milliseconds < 10 else { return "\(Int(min(milliseconds, 1e9).rounded())) ms" }
        return "\((max(0, milliseconds) * 10).rounded() / 10) ms"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
