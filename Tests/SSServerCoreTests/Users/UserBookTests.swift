import SSCommon
import SSServerCore
import Testing

@Suite("Who may use which port")
struct UserBookTests {
    private static let methods: [UInt16: CipherMethod] = [
        1: .blake3AES256GCM, 2: .aes256GCM, 3: .blake3ChaCha20Poly1305,
    ]

    private static func limits(_ quota: UInt64) -> UserLimits {
        var limits = UserLimits()
        limits.quota = quota
        return limits
    }

    private static func key(_ name: String, _ port: UInt16 = 1) -> UserKey { UserKey(port: port, name: name) }

    private func fault(_ body: () throws(UserFault) -> Void) -> UserFault? {
        do throws(UserFault) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    @Test("Users come, are limited, and go; what the configuration says stays beneath")
    func life() throws {
        var book = UserBook(methods: Self.methods, configured: [Self.key("ann"): Self.limits(1)])
        #expect(book.entries.map(\.origin) == [.configured])
        try book.add(Self.key("bob"), Self.limits(2))
        try book.limit(Self.key("ann"), Self.limits(3))
        #expect(book.served(on: 1).map(\.key.name) == ["ann", "bob"])
        #expect(book[Self.key("ann")]?.limits == Self.limits(3))
        #expect(book[Self.key("ann")]?.origin == .configured)
        try book.remove(Self.key("ann"))
        try book.remove(Self.key("bob"))
        #expect(book.served(on: 1).isEmpty)
        // Who is in the configuration is shown still, and others are gone.
        #expect(book.entries.map { ($0.key.name) } == ["ann"])
        #expect(book[Self.key("ann")]?.isRemoved == true)
        #expect(book.change(of: Self.key("bob")) == nil)
        // They come back with a key of their own, and go again.
        try book.add(Self.key("ann"), Self.limits(4))
        #expect(book[Self.key("ann")]?.origin == .added)
        #expect(book[Self.key("ann")]?.limits == Self.limits(4))
        try book.limit(Self.key("ann"), Self.limits(5))
        #expect(book.change(of: Self.key("ann")) == UserChange(.added, Self.limits(5)))
        try book.remove(Self.key("ann"))
        #expect(book[Self.key("ann")]?.isRemoved == true)
    }

    @Test("Nobody twice, nobody unknown, and nobody where there can be no users")
    func refused() throws {
        var book = UserBook(methods: Self.methods, configured: [Self.key("ann"): UserLimits()])
        #expect(fault { () throws(UserFault) in try book.add(Self.key("ann"), UserLimits()) } == .exists("ann"))
        try book.add(Self.key("bob"), UserLimits())
        #expect(fault { () throws(UserFault) in try book.add(Self.key("bob"), UserLimits()) } == .exists("bob"))
        #expect(fault { () throws(UserFault) in try book.remove(Self.key("eve")) } == .noSuchUser("eve"))
        #expect(fault { () throws(UserFault) in try book.limit(Self.key("eve"), UserLimits()) } == .noSuchUser("eve"))
        #expect(fault { () throws(UserFault) in try book.remove(Self.key("ann", 2)) } == .noSuchUser("ann"))
        #expect(
            fault { () throws(UserFault) in try book.add(Self.key("eve", 3), UserLimits()) }
                == .noUsers(.blake3ChaCha20Poly1305))
        #expect(fault { () throws(UserFault) in try book.add(Self.key("eve", 9), UserLimits()) } != nil)
        try book.remove(Self.key("ann"))
        #expect(fault { () throws(UserFault) in try book.remove(Self.key("ann")) } == .noSuchUser("ann"))
        #expect(fault { () throws(UserFault) in try book.limit(Self.key("ann"), UserLimits()) } == .noSuchUser("ann"))
        // The same name is another user on another port.
        try book.add(Self.key("bob", 2), UserLimits())
        #expect(book.entries.count == 3)
    }

    @Test("A classic port has a hundred users, and room again when one goes")
    func hundred() throws {
        var book = UserBook(methods: Self.methods, configured: [Self.key("ann", 2): UserLimits()])
        for number in 1..<100 { try book.add(Self.key("user \(number)", 2), UserLimits()) }
        #expect(fault { () throws(UserFault) in try book.add(Self.key("one more", 2), UserLimits()) } == .tooMany(100))
        try book.remove(Self.key("ann", 2))
        try book.add(Self.key("one more", 2), UserLimits())
        #expect(book.served(on: 2).count == 100)
        // Those who name themselves have more room.
        for number in 0..<101 { try book.add(Self.key("user \(number)"), UserLimits()) }
    }

    @Test(
        "A name is a word or more, of at most 64 bytes, that can stand in a log and in a path",
        arguments: [
            ("a", true), ("Zoë Müller", true), ("日本", true), ("a.b", true), ("...", true), (" ", true), ("%2F", true),
            (String(repeating: "x", count: 64), true), (String(repeating: "é", count: 32), true),
            ("", false), (".", false), ("..", false), ("a/b", false), ("/", false), ("a\nb", false), ("\u{0}", false),
            ("\u{1b}[2J", false), ("\u{7f}", false), ("\u{85}", false), (String(repeating: "x", count: 65), false),
            (String(repeating: "é", count: 33), false),
        ])
    func names(name: String, isGood: Bool) {
        var book = UserBook(methods: Self.methods, configured: [:])
        let fault = fault { () throws(UserFault) in try book.add(Self.key(name), UserLimits()) }
        #expect(fault == (isGood ? nil : .badName(name)))
        #expect(UserBook.isName(name) == isGood)
    }

    @Test("What is said about a strange name cannot harm the terminal")
    func words() {
        let name = "\u{1b}[2J\u{202e}\n" + String(repeating: "x", count: 500)
        for fault in [UserFault.noSuchUser(name), .exists(name), .badName(name)] {
            #expect("\(fault)".unicodeScalars.allSatisfy { TerminalText.show($0).text == String($0) })
            #expect("\(fault)".utf8.count < 200)
        }
    }

    // MARK: Against a model

    /// The same rules, written down plainly for one port.
    private struct Model {
        struct User {
            var isConfigured: Bool
            var isAdded = false
            var isRemoved = false
            var limits: UserLimits
        }

        var users: [String: User] = [:]

        mutating func add(_ name: String, _ limits: UserLimits) -> Bool {
            if let user = users[name], !user.isRemoved { return false }
            let isConfigured = users[name]?.isConfigured ?? false
            users[name] = User(isConfigured: isConfigured, isAdded: true, limits: limits)
            return true
        }

        mutating func remove(_ name: String) -> Bool {
            guard let user = users[name], !user.isRemoved else { return false }
            users[name] =
                user.isConfigured
                ? User(isConfigured: true, isRemoved: true, limits: user.limits) : nil
            return true
        }

        mutating func limit(_ name: String, _ limits: UserLimits) -> Bool {
            guard let user = users[name], !user.isRemoved else { return false }
            users[name]?.limits = limits
            return true
        }
    }

    @Test("Any sequence of commands leaves what a simple model says, and so does a start from what was stored")
    func model() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var configured: [UserKey: UserLimits] = [:]
            var model = Model()
            for name in ["a", "b", "c"] {
                let limits = Self.limits(.random(in: 1...9, using: &random))
                configured[Self.key(name)] = limits
                model.users[name] = .init(isConfigured: true, limits: limits)
            }
            var book = UserBook(methods: Self.methods, configured: configured)
            for _ in 0..<40 {
                let name = ["a", "b", "c", "d", "e", "f"].randomElement(using: &random)!
                let limits = Self.limits(.random(in: 1...9, using: &random))
                let (isDone, fault): (Bool, UserFault?) =
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0:
                        (
                            model.add(name, limits),
                            self.fault { () throws(UserFault) in try book.add(Self.key(name), limits) }
                        )
                    case 1:
                        (model.remove(name), self.fault { () throws(UserFault) in try book.remove(Self.key(name)) })
                    default:
                        (
                            model.limit(name, limits),
                            self.fault { () throws(UserFault) in try book.limit(Self.key(name), limits) }
                        )
                    }
                #expect(isDone == (fault == nil))
                compare(book, model)
                // What the file would hold.
                let names = model.users.keys.map { Self.key($0) }
                let stored = names.compactMap { key in book.change(of: key).map { (key, $0) } }
                let again = UserBook(
                    methods: Self.methods, configured: configured, changes: Dictionary(uniqueKeysWithValues: stored))
                #expect(again.entries == book.entries)
                if Int.random(in: 0..<5, using: &random) == 0 { book = again }
            }
        }
    }

    private func compare(_ book: UserBook, _ model: Model) {
        #expect(book.entries.map(\.key.name) == model.users.keys.sorted())
        for entry in book.entries {
            let user = model.users[entry.key.name]
            #expect(entry.limits == user?.limits)
            #expect(entry.isRemoved == user?.isRemoved)
            #expect((entry.origin == .added) == user?.isAdded)
        }
        #expect(book.served(on: 1).map(\.key.name) == model.users.filter { !$0.value.isRemoved }.keys.sorted())
        #expect(book.served(on: 2).isEmpty)
    }

    @Test("What was stored about users that the configuration knows no more waits for them")
    func orphans() {
        let changes = [
            Self.key("gone"): UserChange(.removed, UserLimits()),
            Self.key("less"): UserChange(.limited, Self.limits(1)),
            Self.key("new", 9): UserChange(.added, UserLimits()),
        ]
        let without = UserBook(methods: Self.methods, configured: [:], changes: changes)
        #expect(without.served(on: 1).isEmpty)
        #expect(without[Self.key("gone")] == nil && without[Self.key("less")] == nil)
        let configured = [Self.key("gone"): UserLimits(), Self.key("less"): UserLimits()]
        let with = UserBook(methods: Self.methods, configured: configured, changes: changes)
        #expect(with.served(on: 1).map(\.limits) == [Self.limits(1)])
        #expect(with[Self.key("gone")]?.isRemoved == true)
    }

    @Test("Users stand by port and name, in the order of their bytes")
    func order() throws {
        var book = UserBook(methods: Self.methods, configured: [:])
        for (name, port) in [("b", 2), ("a", 2), ("b", 1), ("B", 1), ("ä", 1)] as [(String, UInt16)] {
            try book.add(Self.key(name, port), UserLimits())
        }
        #expect(book.entries.map { "\($0.key.port)\($0.key.name)" } == ["1B", "1b", "1ä", "2a", "2b"])
    }
}
