// What of a command line may be a key. An error shows a screenful to whoever looks over the shoulder, and ends up in bug
// reports; so where a password was typed, everything is covered that could be it or a part of it that the shell split off.
internal import SSCommon

struct TypedSecrets {
    private static let flags: Set<String> = ["-k", "--password", "--server-url", "--decode"]

    /// What one argument says about itself and the next.
    private enum Kind {
        /// Nothing that concerns us.
        case harmless
        /// A flag whose value, behind "=" or in the next argument, is a secret.
        case flag
        /// A flag and its secret in one.
        case joined
    }

    /// The longest first, so that none is hidden in another.
    private let words: [String]

    init(_ arguments: [String]) {
        var words: Set<String> = []
        var takesNext = false
        /// The words behind a password may be its rest, which the shell split off.
        var mayGoOn = false
        for argument in arguments {
            let value = argument.firstIndex(of: "=").map { String(argument[$0...].dropFirst()) }
            if ServerLink.covered(argument) != argument { words.formUnion([argument, value ?? ""]) }
            if takesNext {
                words.insert(argument)
                takesNext = false
                mayGoOn = true
                continue
            }
            switch Self.kind(of: argument) {
            case .harmless:
                if argument.hasPrefix("-") { mayGoOn = false }
                if mayGoOn { words.insert(argument) }
            case .flag:
                mayGoOn = true
                takesNext = value == nil
                words.insert(value ?? "")
            case .joined:
                mayGoOn = true
                words.insert(argument)
            }
        }
        words.remove("")
        self.words = words.sorted { $0.utf8.count > $1.utf8.count }
    }

    private static func kind(of argument: String) -> Kind {
        let name = String(argument.prefix { $0 != "=" })
        if flags.contains(name) { return argument.hasPrefix("-k=") ? .joined : .flag }
        guard argument.hasPrefix("--") else {
            // "-kX", "-vkX"
            return argument.hasPrefix("-") && argument.contains("k") ? .joined : .harmless
        }
        if NearestName.distance(name, "--password-file") <= 2 { return .harmless }
        if flags.contains(where: { $0.utf8.count > 2 && name.hasPrefix($0) }) { return .joined }
        // Mistyped, or another program's.
        return SecretName.matches(name.dropFirst(2)) ? .flag : .harmless
    }

    /// `text` with every secret replaced. Short ones count only where the parser quotes them: "a" stands in every
    /// sentence.
    func cover(_ text: String) -> String {
        var text = text
        for word in words {
            text = text.replacing("'\(word)'", with: "'••••••••'")
            if word.utf8.count >= 4, !Self.flags.contains(word) { text = text.replacing(word, with: "••••••••") }
        }
        return ServerLink.covered(text)
    }
}
