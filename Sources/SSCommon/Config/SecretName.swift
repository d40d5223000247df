// Which keys hold something that must never be printed. Decided by the look of the name and not by the
// schema alone, since it is exactly the mistyped "passwrod" whose line would be shown.

package enum SecretName {
    /// Longer names are nobody's; what they hold is hidden unseen.
    private static let longest = 64

    private static let whole: Set<String> = ["key", "keys", "psk", "pwd", "config_url"]
    private static let parts: [[UInt8]] = ["pass", "secret", "token", "psk"].map { Array($0.utf8) }

    /// True for `password`, its likely misspellings, and the other words for a key; false for `password_file`,
    /// which is a path.
    package static func matches(_ key: some StringProtocol) -> Bool {
        if key.utf8.count > longest { return true }
        let name = key.lowercased()
        if name.hasSuffix("_file") || name.hasSuffix("_path") { return false }
        if whole.contains(name) { return true }
        let bytes = Array(name.utf8)
        for part in parts where contains(bytes, part) { return true }
        switch bytes.count {
        case 5...11: return NearestName.distance(name, "password") <= 3
        case 12...17: return NearestName.distance(name, "port_password") <= 4
        default: return false
        }
    }

    private static func contains(_ name: [UInt8], _ part: [UInt8]) -> Bool {
        guard name.count >= part.count else { return false }
        return (0...name.count - part.count).contains { name[$0..<$0 + part.count].elementsEqual(part) }
    }
}
