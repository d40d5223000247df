// From the name of a method to the method, or to the reason why not. What SIP004 replaced is refused by name, because
// "unknown method" would send people looking for a typo.

package enum MethodName: Hashable, Sendable {
    /// A method we have.
    case known(CipherMethod)
    /// A method that protects nobody; one sentence why.
    case refused(reason: String)
    /// A method of SIP022 that only some programs have: sound, and not here.
    case rare
    /// No method; the nearest name we have or refuse with reason.
    case unknown(suggestion: String?)

    package init(_ text: some StringProtocol) {
        let name = text.lowercased()
        if let method = CipherMethod(rawValue: name) ?? Self.aliases[name] {
            self = .known(method)
        } else if Self.rareMethods.contains(name) {
            self = .rare
        } else if Self.streams.contains(name) {
            self = .refused(reason: Self.streamReason)
        } else if Self.open.contains(name) {
            self = .refused(reason: Self.openReason)
        } else if name == "table" {
            self = .refused(reason: Self.tableReason)
        } else {
            let names = CipherMethod.allCases.map(\.rawValue) + Self.rareMethods
            self = .unknown(suggestion: NearestName.of(name, among: names))
        }
    }

    /// The names of the methods we have, best first, for a help text.
    package static let supported = CipherMethod.allCases.map(\.rawValue)

    private static let aliases: [String: CipherMethod] = [
        "aead_aes_128_gcm": .aes128GCM, "aead_aes_192_gcm": .aes192GCM, "aead_aes_256_gcm": .aes256GCM,
        "aead_chacha20_poly1305": .chacha20Poly1305, "aead_xchacha20_poly1305": .xchacha20Poly1305,
        "chacha20-poly1305": .chacha20Poly1305, "xchacha20-poly1305": .xchacha20Poly1305,
    ]

    private static let rareMethods = ["2022-blake3-chacha8-poly1305", "2022-blake3-chacha12-poly1305"]

    private static let open: Set = ["none", "plain", "dummy"]

    /// Every stream cipher of shadowsocks-python, -libev and -rust.
    private static let streams: Set<String> = {
        var names: Set = [
            "rc4", "rc4-md5", "rc4-md5-6", "chacha20", "chacha20-ietf", "xchacha20", "salsa20", "xsalsa20",
            "bf-cfb", "cast5-cfb", "des-cfb", "idea-cfb", "rc2-cfb", "seed-cfb",
        ]
        for size in ["128", "192", "256"] {
            for mode in ["cfb", "cfb1", "cfb8", "cfb128", "ctr", "ofb"] {
                names.insert("aes-\(size)-\(mode)")
                names.insert("camellia-\(size)-\(mode)")
            }
        }
        return names
    }()

    private static let streamReason =
        "a stream cipher does not authenticate: anyone on the path can redirect a connection "
        + "and so decrypt sessions recorded earlier"
    private static let openReason = "it does not encrypt at all: anyone on the path reads and changes everything"
    private static let tableReason = "a fixed byte substitution is no encryption: it is solved in seconds"
}
