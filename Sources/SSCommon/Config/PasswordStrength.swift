// How hard a password is to guess. A classic Shadowsocks key is one MD5 chain away from its password
// (EVP_BytesToKey), so one recorded packet lets a machine try thousands of millions of guesses a second: only
// length and chance help. A generated key passes; what a person made up mostly does not, and is told so.

package enum PasswordStrength: Hashable, Sendable {
    /// Long and mixed enough.
    case strong
    /// Printed in some manual, tutorial or list of common passwords.
    case wellKnown
    /// Fewer than `minimumLength` characters.
    case short(length: Int)
    /// Estimated below `minimumBits`.
    case guessable(bits: Int)
    /// The text that stands in our own example; never a key.
    case placeholder

    package static let minimumLength = 16
    package static let minimumBits = 80

    /// What `config.example.json` has in place of a key.
    package static let examplePlaceholder = "REPLACE-ME-with-a-key-from-ssserver-genkey"

    private static let placeholders: Set = [
        examplePlaceholder.lowercased(), "base64 or text", "replace-me", "replace me", "your-password-here",
    ]

    private static let wellKnownPasswords: Set = [
        "barfoo!", "barfoo", "foobar", "foobar!", "mypassword", "password", "password0", "password1", "passw0rd",
        "test", "test1234", "teddysun.com", "shadowsocks", "example_password", "your_password", "yourpassword",
        "your-password", "123456", "12345678", "123456789", "qwerty", "letmein", "admin", "secret", "hello-kitty",
        "hello-world", "hello", "almost-secret", "abc123", "changeme", "p@ssw0rd", "xxxxxxxx", "hunter2",
        // Keys printed in specifications and manuals.
        "yctpz6u7xppcu+gp3u+0tx/trizjn9k8y+uklw2qjli=", "8jccpssfgs8tirwimlharg==", "pcd2z4o12bkuofa3cc97hw==",
        "5moqsa20kt6ay2lxrubohq==",
    ]

    package init(of password: some StringProtocol) {
        let lower = password.lowercased()
        let length = password.unicodeScalars.count
        if Self.placeholders.contains(lower) {
            self = .placeholder
        } else if Self.wellKnownPasswords.contains(lower) {
            self = .wellKnown
        } else if length < Self.minimumLength {
            self = .short(length: length)
        } else {
            let bits = Self.estimate(password)
            self = bits < Self.minimumBits ? .guessable(bits: bits) : .strong
        }
    }

    /// Bits if every character were drawn from the classes in use, where a character that repeats or continues
    /// its predecessor ("aaa", "789") counts nothing, and a text of few different ones has only those to draw from.
    static func estimate(_ password: some StringProtocol) -> Int {
        var pool = 0
        var classes: Set<Int> = []
        var distinct: Set<UInt32> = []
        var counted = 0
        var previous: UInt32?
        for scalar in password.unicodeScalars {
            let (index, size) = characterClass(scalar)
            if classes.insert(index).inserted { pool += size }
            distinct.insert(scalar.value)
            if previous.map({ abs(Int($0) - Int(scalar.value)) > 1 }) ?? true { counted += 1 }
            previous = scalar.value
        }
        let length = password.unicodeScalars.count
        return counted * centibits(2 * distinct.count < length ? min(pool, distinct.count) : pool) / 100
    }

    private static func characterClass(_ scalar: Unicode.Scalar) -> (index: Int, size: Int) {
        switch scalar {
        case "0"..."9": (0, 10)
        case "a"..."z": (1, 26)
        case "A"..."Z": (2, 26)
        case " "..."~": (3, 33)
        default: (4, 100)
        }
    }

    /// A hundred times the binary logarithm, rounded down to the nearest entry of a short table.
    private static func centibits(_ pool: Int) -> Int {
        let table = [(1, 0), (2, 100), (4, 200), (8, 300), (10, 332), (16, 400), (26, 470), (32, 500), (36, 516)]
        let rest = [(48, 558), (52, 570), (62, 595), (70, 612), (80, 632), (95, 656), (128, 700)]
        return (table + rest).last { $0.0 <= pool }?.1 ?? 0
    }
}

extension PasswordStrength {
    /// Why `password` may not be the key of a new server, in words that do not hold it; nil if it may.
    package static func refusal(of password: String, for method: CipherMethod) -> String? {
        if password.hasPrefix("${"), password.hasSuffix("}") {
            return "in a configuration that is the name of a variable"
        }
        let strength = PasswordStrength(of: password)
        switch strength {
        case .wellKnown: return "it is printed in manuals and lists of passwords"
        case .placeholder: return "that is the example's key"
        case .strong, .short, .guessable: break
        }
        switch method.edition {
        case .sip022: return keyRefusal(password, method)
        case .sip004: return strength.weakness
        }
    }

    private var weakness: String? {
        switch self {
        case .strong: nil
        case .wellKnown, .placeholder: "it is well known"
        case .short(let length):
            "it has \(length) of at least \(Self.minimumLength) characters; whoever records one packet can try them all"
        case .guessable(let bits):
            "it is worth about \(bits) bits of at least \(Self.minimumBits); whoever records one packet can guess at leisure"
        }
    }

    private static func keyRefusal(_ text: String, _ method: CipherMethod) -> String? {
        do throws(PreSharedKeys.Fault) {
            let keys = try PreSharedKeys.decode(text, for: method)
            if keys.count > 1 { return "it is more than one key" }
            // Of 16 random bytes fewer than 8 are different once in more than 2^60 times.
            let distinct = Set(Base64.decode(text) ?? [])
            return distinct.count < 8 ? "its bytes are not random" : nil
        } catch {
            return "\(error.message(method)); \(method.rawValue) takes \(method.keyLength) random bytes in base64"
        }
    }
}
