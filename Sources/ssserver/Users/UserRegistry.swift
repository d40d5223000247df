// The users of all ports while the server runs: who is accepted, what they have used, and what the file knows of it. One
// actor does one thing after the other; the relay never waits for it, it counts in accounts and reads key rings.
internal import Logging
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

actor UserRegistry {
    private let ports: [ServedPort]
    private let path: String?
    private let logger: Logger
    private let now: @Sendable () -> UnixSeconds

    private var book: UserBook
    private var store: UserStore?
    private var accounts: [UserKey: UserAccount] = [:]
    private var accepted: [UserKey: Accepted] = [:]
    private var usage: [UserKey: UserUsage] = [:]
    private var seen: [UserKey: UnixSeconds] = [:]
    private var secrets: [UserKey: String] = [:]
    private var identities: [UInt16: String] = [:]
    private var month: CalendarMonth
    private var hasFailed = false
    private var ticks = 0

    /// How many seconds' traffic is written at a time; a program that is killed forgets as much.
    private static let period = 2

    /// `path` is the file's; nil if nothing can be kept. Nothing is opened before `start`.
    init(
        _ ports: [ServedPort], path: String?, logger: Logger,
        now: @escaping @Sendable () -> UnixSeconds = { WallClock.now() }
    ) {
        self.ports = ports
        self.path = path
        self.logger = logger
        self.now = now
        month = CalendarMonth(at: now())
        book = UserBook(methods: [:], configured: [:])
    }

    // MARK: Starting and ending

    /// Reads the file, if there is one or will be, and tells the ports whom to accept. A file that cannot be read is
    /// an error: it may say whom not to serve.
    func start() throws(UserStoreFailure) {
        var content = UserStore.Content()
        let hasUsers = ports.contains { !$0.users.isEmpty }
        if let path, hasUsers || SmallFile.exists(path) {
            do {
                store = try UserStore(path: path)
                content = try store?.load(month) ?? content
            } catch {
                // Nothing was there, so nothing is lost but what is counted from here on.
                guard !SmallFile.exists(path) else { throw error }
                warnOfLoss(error)
            }
        } else if hasUsers {
            warnOfLoss(UserStoreFailure(description: "there is no state directory"))
        }
        var configured: [UserKey: UserLimits] = [:]
        for port in ports {
            for user in port.users { configured[UserKey(port: port.port, name: user.name)] = UserLimits(user) }
        }
        book = UserBook(
            methods: Dictionary(ports.map { ($0.port, $0.method) }, uniquingKeysWith: { first, _ in first }),
            configured: configured, changes: content.changes)
        secrets = content.secrets
        identities = content.identities
        // Who is not there now may come back, and has used what they have used.
        for key in Set(book.entries.map(\.key)).union(content.total.keys) { recall(key, content) }
        for entry in book.entries where entry.isRemoved {
            logger.warning(
                "a user of the configuration is not served: a command removed them",
                metadata: ["user": "\(entry.key.name)"])
        }
        for port in ports { refresh(port) }
    }

    private func recall(_ key: UserKey, _ content: UserStore.Content) {
        let (monthly, total) = (content.monthly[key], content.total[key])
        usage[key] = UserUsage(month, monthly: monthly ?? UserUsage.Bytes(), total: total ?? UserUsage.Bytes())
        seen[key] = content.seen[key]
        account(key).recall(used: monthly?.sum ?? 0, seen: content.seen[key] ?? 0)
    }

    private func warnOfLoss(_ failure: UserStoreFailure) {
        logger.warning(
            "what users use cannot be kept, so quotas begin anew with each start", metadata: ["reason": "\(failure)"])
    }

    /// To be called every second: days end, months begin, and what was moved is written.
    func tick() {
        let current = CalendarMonth(at: now())
        if current > month {
            write()
            month = current
            for key in usage.keys {
                count(key)
                usage[key]?.begin(current)
                _ = accounts[key]?.beginMonth()
            }
        }
        judgeAll()
        ticks += 1
        if ticks % Self.period == 0 { write() }
    }

    /// Writes the rest.
    func end() { write() }

    // MARK: What commands do

    /// What a new user is to get.
    struct Addition: Sendable {
        let key: UserKey
        /// What the client writes as "password".
        let secret: String
    }

    /// `port` may be left out where there is only one. A missing `secret` is made.
    func add(
        _ name: String, port number: UInt16?, secret given: String?, _ limits: UserLimits
    ) throws(AdminFailure) -> Addition {
        let port = try port(number)
        let key = UserKey(port: port.port, name: name)
        let secret = given ?? Base64.encode(Sodium.random(port.method.keyLength))
        let credential = try credential(secret, port)
        var book = book
        do throws(UserFault) {
            try book.add(key, limits)
        } catch {
            throw AdminFailure(error.status, error.description)
        }
        var identity: String?
        if port.method.hasIdentityHeaders, !port.isForUsersOnly, identities[port.port] == nil {
            identity = Base64.encode(Sodium.random(port.method.keyLength))
        }
        try keep(book, key, secret: secret, identity: identity)
        if let identity { identities[port.port] = identity }
        secrets[key] = secret
        accepted[key] = Accepted(credential: credential, account: account(key))
        refresh(port)
        logger.info("a user was added", metadata: ["user": "\(name)", "port": "\(port.port)"])
        return Addition(key: key, secret: try clientSecret(key, port))
    }

    /// Ends what the user has open within about a second.
    func remove(_ name: String, port number: UInt16?) throws(AdminFailure) {
        let (port, key) = try find(name, number)
        var book = book
        do throws(UserFault) {
            try book.remove(key)
        } catch {
            throw AdminFailure(error.status, error.description)
        }
        try keep(book, key, secret: nil, identity: nil)
        secrets[key] = nil
        accepted[key] = nil
        refresh(port)
        logger.info("a user was removed", metadata: ["user": "\(name)", "port": "\(port.port)"])
    }

    /// Gives a user another key; what they have open under the last one ends within about a second.
    func rekey(_ name: String, port number: UInt16?, secret: String) throws(AdminFailure) {
        let (port, key) = try find(name, number)
        let credential = try credential(secret, port)
        var book = book
        do throws(UserFault) {
            try book.rekey(key)
        } catch {
            throw AdminFailure(error.status, error.description)
        }
        try keep(book, key, secret: secret, identity: nil)
        count(key)
        usage[key]?.changeAccount()
        let former = accounts.removeValue(forKey: key)
        former?.judge(.removed)
        account(key).recall(used: usage[key]?.monthly.sum ?? 0, seen: former?.reading.seen ?? 0)
        secrets[key] = secret
        accepted[key] = Accepted(credential: credential, account: account(key))
        refresh(port)
        logger.info("a user has another key", metadata: ["user": "\(name)", "port": "\(port.port)"])
    }

    func limit(
        _ name: String, port number: UInt16?, _ change: (inout UserLimits) -> Void
    ) throws(AdminFailure) -> UserKey {
        let (port, key) = try find(name, number)
        guard let entry = book[key] else { throw AdminFailure(404, UserFault.noSuchUser(name).description) }
        var limits = entry.limits
        change(&limits)
        var book = book
        do throws(UserFault) {
            try book.limit(key, limits)
        } catch {
            throw AdminFailure(error.status, error.description)
        }
        try keep(book, key, secret: secrets[key], identity: nil)
        refresh(port)
        logger.info(
            "a user's limits were changed", metadata: ["user": "\(name)", "port": "\(port.port)"])
        return key
    }

    /// What the client of a user writes as "password".
    func secret(_ name: String, port number: UInt16?) throws(AdminFailure) -> (ServedPort, String) {
        let (port, key) = try find(name, number)
        guard accepted[key] != nil else { throw AdminFailure(404, UserFault.noSuchUser(name).description) }
        return (port, try clientSecret(key, port))
    }

    // MARK: What is known

    struct Status: Sendable {
        let entry: UserBook.Entry
        let refusal: UserAccount.Refusal?
        let usage: UserUsage
        let reading: UserAccount.Reading
    }

    /// All users, by port and name; or the one.
    func list(_ name: String? = nil, port: UInt16? = nil) -> [Status] {
        book.entries.compactMap { entry in
            guard name == nil || entry.key.name == name, port == nil || entry.key.port == port else { return nil }
            count(entry.key)
            guard let account = accounts[entry.key], let usage = usage[entry.key] else { return nil }
            return Status(entry: entry, refusal: account.refusal, usage: usage, reading: account.reading)
        }
    }

    // MARK: Within

    private func port(_ number: UInt16?) throws(AdminFailure) -> ServedPort {
        guard let number else {
            let candidates = ports.filter(\.takesUsers)
            if candidates.count == 1 { return candidates[0] }
            guard let first = ports.first else { throw AdminFailure(409, "the configuration names no port") }
            guard !candidates.isEmpty else {
                throw AdminFailure(409, UserFault.noUsers(first.method).description)
            }
            throw AdminFailure(400, "there are several ports: say which, such as \(first.port)")
        }
        guard let port = ports.first(where: { $0.port == number }) else {
            throw AdminFailure(404, "port \(number) is not served")
        }
        return port
    }

    /// Of whoever has that name, on the one port where somebody does.
    private func find(_ name: String, _ number: UInt16?) throws(AdminFailure) -> (ServedPort, UserKey) {
        let found = book.entries.filter { $0.key.name == name && (number == nil || $0.key.port == number) }
        let served = found.filter { !$0.isRemoved }
        guard let key = (served.isEmpty ? found : served).first?.key,
            let port = ports.first(where: { $0.port == key.port })
        else { throw AdminFailure(404, UserFault.noSuchUser(name).description) }
        guard served.count < 2 else {
            throw AdminFailure(400, "there is such a user on several ports: say which, such as \(key.port)")
        }
        return (port, key)
    }

    private func credential(_ secret: String, _ port: ServedPort) throws(AdminFailure) -> Credential {
        if port.method.edition == .sip004, PasswordStrength(of: secret) != .strong {
            throw AdminFailure(400, "the password is weak: whoever records one packet can guess at leisure")
        }
        guard let credential = try? Credential(method: port.method, secret: secret), credential.identities.isEmpty
        else {
            throw AdminFailure(
                400, "the key is none: \(port.method.rawValue) takes \(port.method.keyLength) bytes in Base64")
        }
        let identity = UserIdentity(of: credential.key)
        let others = accepted.filter { $0.key.port == port.port }.map(\.value.credential) + [port.credential]
        guard !others.contains(where: { UserIdentity(of: $0.key) == identity }) else {
            throw AdminFailure(409, "somebody has that key already: it names its user, so one for each")
        }
        return credential
    }

    private func clientSecret(_ key: UserKey, _ port: ServedPort) throws(AdminFailure) -> String {
        guard let own = secrets[key] ?? port.configuredSecret(key.name) else {
            throw AdminFailure(404, UserFault.noSuchUser(key.name).description)
        }
        guard port.method.hasIdentityHeaders else { return own }
        if port.isForUsersOnly {
            return "\(port.credential.key.withUnsafeBytes { Base64.encode(Array($0)) }):\(own)"
        }
        return "\(identities[port.port] ?? ""):\(own)"
    }

    /// The file first: what is acknowledged is kept.
    private func keep(
        _ book: UserBook, _ key: UserKey, secret: String?, identity: String?
    ) throws(AdminFailure) {
        guard let path else {
            throw AdminFailure(507, "nothing can be kept: there is no state directory; name a \"state_directory\"")
        }
        do throws(UserStoreFailure) {
            if store == nil { store = try UserStore(path: path) }
            try store?.keep(book.change(of: key), of: key, secret: secret, identity: identity)
        } catch {
            throw AdminFailure(507, "that cannot be kept, so nothing was changed: \(error)")
        }
        self.book = book
        if usage[key] == nil { usage[key] = UserUsage(month) }
    }

    /// Accounts stay when their users go, for what they have open must hear of it.
    private func account(_ key: UserKey) -> UserAccount {
        if let account = accounts[key] { return account }
        let account = UserAccount(name: key.name)
        accounts[key] = account
        return account
    }

    /// Tells a port and the accounts of its users what the book says.
    private func refresh(_ port: ServedPort) {
        var users: [Accepted] = []
        for entry in book.served(on: port.port) {
            if let user = accepted[entry.key] ?? makeAccepted(entry.key, port) {
                accepted[entry.key] = user
                users.append(user)
            }
        }
        let identity = identities[port.port].flatMap { try? Credential(method: port.method, secret: $0).key }
        for entry in book.entries where entry.key.port == port.port { entry.limits.apply(to: account(entry.key)) }
        judgeAll()
        port.accept(users, identity: identity)
    }

    /// Keys in files are not for users, and those in the configuration have been checked.
    private func makeAccepted(_ key: UserKey, _ port: ServedPort) -> Accepted? {
        guard let text = secrets[key] ?? port.configuredSecret(key.name),
            let credential = try? Credential(method: port.method, secret: text)
        else { return nil }
        return Accepted(credential: credential, account: account(key))
    }

    private func judgeAll() {
        let now = now()
        for (key, account) in accounts {
            let entry = book[key]
            account.judge(entry == nil || entry!.isRemoved ? .removed : entry!.limits.refusal(at: now))
        }
    }

    private func count(_ key: UserKey) {
        if let reading = accounts[key]?.reading { usage[key]?.count(reading) }
    }

    private func write() {
        guard let store else { return }
        var entries: [UserStore.Entry] = []
        for key in usage.keys {
            count(key)
            guard let used = usage[key], let reading = accounts[key]?.reading else { continue }
            guard used.unwritten.sum > 0 || reading.seen != seen[key] ?? 0 else { continue }
            entries.append(
                UserStore.Entry(key: key, month: used.month, moved: used.unwritten, seen: reading.seen))
        }
        guard !entries.isEmpty else { return }
        do throws(UserStoreFailure) {
            try store.add(entries)
            for entry in entries {
                usage[entry.key]?.wrote(entry.moved)
                seen[entry.key] = entry.seen
            }
            hasFailed = false
        } catch {
            if !hasFailed {
                logger.error(
                    "what users have used cannot be written; it is tried again", metadata: ["reason": "\(error)"])
            }
            hasFailed = true
        }
    }
}

extension UserFault {
    /// RFC 9110 section 15.5.
    fileprivate var status: Int {
        switch self {
        case .noSuchUser: 404
        case .exists, .tooMany, .noUsers: 409
        case .badName: 400
        }
    }
}
