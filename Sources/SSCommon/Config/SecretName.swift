// Which keys hold something that must never be printed. Decided by the look of the name and not by the
// schema alone, since it is exactly the mistyped "passwrod" whose line would be shown.

enum SecretName {
    /// True for `password`, its likely misspellings, and the other words for a key; false for `password_file`,
    /// which is a path.
    static func matches(_ key: some StringProtocol) -> Bool {
        let name = key.lowercased()
        if name.hasSuffix("_file") || name.hasSuffix("_path") { return false }
        if name == "key" || name == "keys" || name == "psk" || name == "pwd" { return true }
        for word in ["pass", "secret", "token", "psk"] where name.contains(word) { return true }
        return name.utf8.count > 4 && name.utf8.count < 16 && NearestName.distance(name, "password") <= 3
    }
}
