// What `doctor` prints, of either program: findings under headlines as they are made, or one JSON object in the end; and with
// which status it ends.
package import SSCommon

package final class DoctorReport {
    private struct Part {
        let title: String
        var findings: [Finding] = []
    }

    private let isJSON: Bool
    private let palette = Palette(isTerminal: Environment.isTerminal(1), environment: Environment.variable)
    private var parts: [Part] = []

    package init(isJSON: Bool) { self.isJSON = isJSON }

    /// What follows is about `title`, which holds no foreign bytes.
    package func begin(_ title: String) {
        if !isJSON { write((parts.isEmpty ? "" : "\n") + palette.paint(title, .strong) + "\n") }
        parts.append(Part(title: title))
    }

    package func add(_ finding: Finding) {
        parts[parts.count - 1].findings.append(finding)
        if !isJSON { write(finding.text(palette)) }
    }

    /// The last line. Throws the status if anything is broken.
    package func end() throws {
        let findings = parts.flatMap(\.findings)
        let broken = findings.count { $0.verdict == .broken }
        let notes = findings.count { $0.verdict == .note }
        if isJSON {
            let list = parts.map { part in
                JSONNode.members([
                    "about": .string(part.title), "findings": .array(part.findings.map(\.json)),
                ])
            }
            write(JSONNode.members(["works": .bool(broken == 0), "parts": .array(list)]).text + "\n")
        } else {
            let words = [
                broken == 0 ? palette.paint("nothing is broken", .success) : palette.paint("\(broken) broken", .error),
                notes == 0 ? nil : notes == 1 ? "1 note" : "\(notes) notes",
            ]
            write("\n" + words.compactMap(\.self).joined(separator: ", ") + "\n")
        }
        if broken > 0 { throw Report.failed }
    }

    private func write(_ text: String) { Environment.write(text, to: 1) }
}
