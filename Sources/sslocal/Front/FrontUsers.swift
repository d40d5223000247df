// Who may use a local port. With nobody listed the port is open; with anybody listed, every protocol must
// prove a name and a password, and those that cannot (SOCKS4, SOCKS5 without RFC 1929) are refused.
import SSCommon

/// A name and a password, as bytes: neither RFC 1929 nor HTTP Basic promises a character set.
struct FrontUser: Hashable, Sendable {
    var name: [UInt8]
    var password: [UInt8]

    init(name: [UInt8], password: [UInt8]) {
        self.name = name
        self.password = password
    }

    init(name: String, password: String) {
        self.init(name: [UInt8](name.utf8), password: [UInt8](password.utf8))
    }
}

/// The users of one local port.
struct FrontUsers: Sendable {
    private var users: [FrontUser]

    init(_ users: [FrontUser] = []) { self.users = users }

    /// Whether a client must authenticate.
    var required: Bool { !users.isEmpty }

    /// Whether some user has this name and this password. Every user is compared whole, so the time taken does
    /// not tell which name exists or how much of a password was right.
    func admit(name: [UInt8], password: [UInt8]) -> Bool {
        var admitted = false
        for user in users {
            let sameName = Sodium.constantTimeEqual(user.name, name)
            let samePassword = Sodium.constantTimeEqual(user.password, password)
            admitted = (sameName && samePassword) || admitted
        }
        return admitted
    }
}
