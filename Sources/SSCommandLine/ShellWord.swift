// Commands that we print to be copied into a shell.

package enum ShellWord {
    /// `text` as one word of a POSIX shell.
    package static func quote(_ text: String) -> String {
        let harmless = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,".unicodeScalars)
        if !text.isEmpty, text.unicodeScalars.allSatisfy(harmless.contains) { return text }
        return "'" + text.replacing("'", with: "'\\''") + "'"
    }
}
