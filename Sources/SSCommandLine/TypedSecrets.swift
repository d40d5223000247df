// What of a command line may be a key. An error shows a screenful to whoever looks over the shoulder, and ends up in bug
// reports; so where a password was typed, everything is covered that could be it or a part of it that the shell split off.
internal import SSCommon

struct TypedSecrets {
    private static let flags: Set<String> = ["-k", "--password", "--server-url"]
    /// Long flags that begin like one of ours for passwords and hold none.
    private static let harmless: Set<String> = ["--password-file"]

    /// The longest first, so that none is hidden in another.
    private let words: [String]

    init(_ arguments: [String]) {
        var words: Set<String> = []
        var takesNext = false
        var hasPassword = false
        for argument in arguments {
            let name = String(argument.prefix { $0 != "=" })
            let value = String(argument.dropFirst(name.count + 1))
            if takesNext || ServerLink.covered(argument) != argument { words.formUnion([argument, value]) }
            if takesNext {
                takesNext = false
                continue
            }
            if Self.flags.contains(argument) {
                takesNext = true
                hasPassword = true
            } else if Self.looksLikePassword(argument, name: name) {
                words.formUnion([argument, value])
                hasPassword = true
            } else if hasPassword, !argument.hasPrefix("-") {
                words.insert(argument)
            }
        }
        words.remove("")
        self.words = words.sorted { $0.utf8.count > $1.utf8.count }
    }

    /// `--password=X`, `-kX`, `-vkX`, and mistyped ones.
    private static func looksLikePassword(_ argument: String, name: String) -> Bool {
        if argument.hasPrefix("--") {
            let isOurs = flags.contains(name) || flags.contains { $0.utf8.count > 2 && name.hasPrefix($0) }
            return (isOurs || SecretName.matches(name.dropFirst(2))) && !harmless.contains(name)
        }
        return argument.hasPrefix("-") && argument.utf8.count > 2 && argument.contains("k")
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
