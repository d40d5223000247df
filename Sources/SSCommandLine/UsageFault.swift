// The argument parser's errors in our form. It begins them with "Error:", adds a usage line, and repeats what was typed,
// which may be a password.
internal import ArgumentParser
internal import SSCommon

struct UsageFault {
    /// What is wrong, in one line.
    let message: String
    /// The flag that was likely meant, in quotes.
    let suggestion: String?
    /// The process's exit status.
    let status: Int32

    /// Nil for what is no fault, such as a call for help.
    init?<Root: ParsableCommand>(_ error: any Error, of root: Root.Type, arguments: [String]) {
        let code = Root.exitCode(for: error)
        if code.isSuccess { return nil }
        status = code.rawValue
        // Further lines are what the parser would have made of it otherwise.
        let text = Root.message(for: error)
        let parts = Self.split(text.prefix { $0 != "\n" }, at: ". Did you mean ")
        message = Self.harmless(TypedSecrets(arguments).cover(Self.uncapitalised(parts.head)))
        suggestion = parts.tail.flatMap { Self.isNear($0, to: parts.head) ? Self.harmless($0.dropLast()) : nil }
    }

    private static func split(_ line: Substring, at mark: String) -> (head: Substring, tail: Substring?) {
        guard let range = line.firstRange(of: mark) else { return (line, nil) }
        return (line[..<range.lowerBound], line[range.upperBound...])
    }

    /// Whether a suggestion resembles what was typed; the parser makes one for everything.
    private static func isNear(_ suggestion: Substring, to head: Substring) -> Bool {
        let quoted = { (text: Substring) in
            text.split(separator: "'", omittingEmptySubsequences: false).dropFirst().first ?? ""
        }
        return NearestName.of(quoted(head), among: [String(quoted(suggestion))]) != nil
    }

    private static func uncapitalised(_ text: Substring) -> String {
        text.prefix(1).lowercased() + text.dropFirst()
    }

    /// No byte of the command line repaints the terminal.
    private static func harmless(_ text: some StringProtocol) -> String {
        text.unicodeScalars.map { TerminalText.show($0).text }.joined()
    }
}
