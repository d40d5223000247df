// Whether what was read of a list is to be used. Long lists of strangers have lines that nobody understands; a page of an
// error, half a file or a slip of the pen in a short list of one's own are another matter.

extension ListReport {
    /// Lines that were not understood, for each of which so many rules were.
    private static let rulesForFault = 100

    /// Whether so much was not understood that the rules before it are better.
    package var isBad: Bool { badLines > rules / Self.rulesForFault }

    /// The first line that was not understood, in words.
    package var firstComplaint: String? { complaints.first.map { "line \($0.line) is \($0.fault.rawValue)" } }

    /// What was not used, in words; nil if there is nothing to say.
    package var unused: String? {
        var parts = ListLine.Unenforceable.allCases.compactMap { reason in
            unenforceable[reason].map { "\($0) \($0 == 1 ? "line" : "lines"): \(reason.rawValue)" }
        }
        if badLines > 0 {
            let lines = complaints.prefix(5).map { "\($0.line)" }.joined(separator: ", ")
            parts.append("\(badLines) not understood (\(badLines > 5 ? "first: " : "")line \(lines))")
        }
        if leftOut > 0 { parts.append("\(leftOut) patterns without room") }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
}
