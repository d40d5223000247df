// The users of all ports while the server runs: who is accepted, what they have used, and what the file knows of it. One
// actor does one thing after the other; the relay never waits for it, it counts in accounts and reads key rings.
internal import Logging
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

actor UserRegistry {
    private var ports: [ServedPort]
    private let path: String?
    private let logger: Logger
    private let now: @Sendable () -> UnixSeconds

    private var book: UserBook
    private var store: UserStore?
    private var accounts: [UserKey: UserAccount] = [:]
    private var accepted: [Place: Accepted] = [:]
    private var usage: [UserKey: UserUsage] = [:]
    private var seen: [UserKey: UnixSeconds] = [:]
    private var secrets: [UserKey: String] = [:]
    private var identities: [UInt16: String] = [:]
    private var month: CalendarMonth
    private var hasFailed = false
    private var ticks = 0

    /// A user on one of the ports: the configuration may serve a port's number on several addresses, with other keys.
    private struct Place: Hashable {
        let user: UserKey
        /// Which of `ports`.
        let port: Int
    }

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
    func start() throws(StoreFailure) {
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
            warnOfLoss(StoreFailure(description: "there is no state directory"))
        }
        book = Self.book(ports, content.changes)
        secrets = content.secrets
        identities = content.identities
        // Who is not there now may come back, and has used what they have used.
        for key in Set(book.entries.map(\.key)).union(content.total.keys) { recall(key, content) }
        for entry in book.entries where entry.isRemoved {
            logger.warning(
                "a user of the configuration is not served: a command removed them",
                metadata: ["user": "\(entry.key.name)"])
        }
        for number in Set(ports.map(\.port)) {
            complete(number)
            refresh(number)
        }
    }

    private static func book(_ ports: [ServedPort], _ changes: [UserKey: UserChange]) -> UserBook {
        var configured: [UserKey: UserLimits] = [:]
        for port in ports {
            for user in port.users { configured[UserKey(port: port.port, name: user.name)] = UserLimits(user) }
        }
        return UserBook(
            methods: Dictionary(ports.map { ($0.port, $0.method) }, uniquingKeysWith: { first, _ in first }),
            configured: configured, changes: changes)
    }

    /// Another configuration: its keys and users from now on, with what commands have changed. Who is there no more, or has
    /// another key, loses what is open within about a second; nobody else does.
    func reconfigure(_ new: [ServedPort]) {
        let former = identities(of: ports)
        let numbers = Set((ports + new).map(\.port))
        ports = new
        accepted = [:]
        book = Self.book(new, book.changes)
        if store == nil, let path, new.contains(where: { !$0.users.isEmpty }) {
            do throws(StoreFailure) { store = try UserStore(path: path) } catch { warnOfLoss(error) }
        }
        let present = identities(of: new)
        for (key, identity) in former where present[key] != nil && present[key] != identity { retire(key) }
        for entry in book.entries where usage[entry.key] == nil { usage[entry.key] = UserUsage(month) }
        for number in numbers {
            complete(number)
            refresh(number)
        }
    }

    /// What users' keys are known by.
    private func identities(of ports: [ServedPort]) -> [UserKey: Set<UserIdentity>] {
        var identities: [UserKey: Set<UserIdentity>] = [:]
        for port in ports where port.takesUsers {
            for entry in book.served(on: port.port) {
                guard let text = secrets[entry.key] ?? port.configuredSecret(entry.key.name),
                    let credential = try? Credential(method: port.method, secret: text)
                else { continue }
                identities[entry.key, default: []].insert(UserIdentity(of: credential.key))
            }
        }
        return identities
    }

    private func recall(_ key: UserKey, _ content: UserStore.Content) {
        let (monthly, total) = (content.monthly[key], content.total[key])
        usage[key] = UserUsage(month, monthly: monthly ?? UserUsage.Bytes(), total: total ?? UserUsage.Bytes())
        seen[key] = content.seen[key]
        account(key).recall(used: monthly?.sum ?? 0, seen: content.seen[key] ?? 0)
    }

    private func warnOfLoss(_ failure: StoreFailure) {
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
        try check(secret, port)
        var book = book
        do throws(UserFault) {
            try book.add(key, limits)
        } catch {
            throw AdminFailure(error.status, error.description)
        }
        var identity: String?
        if port.needsIdentity, identityKey(of: port) == nil {
            identity = Base64.encode(Sodium.random(port.method.keyLength))
        }
        try keep(book, key, secret: secret, identity: identity)
        if let identity { identities[port.port] = identity }
        secrets[key] = secret
        refresh(port.port)
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
        retire(key)
        refresh(port.port)
        logger.info("a user was removed", metadata: ["user": "\(name)", "port": "\(port.port)"])
    }

    /// Gives a user another key; what they have open under the last one ends within about a second.
    func rekey(_ name: String, port number: UInt16?, secret: String) throws(AdminFailure) {
        let (port, key) = try find(name, number)
        try check(secret, port)
        var book = book
        do throws(UserFault) {
            try book.rekey(key)
        } catch {
            throw AdminFailure(error.status, error.description)
        }
        try keep(book, key, secret: secret, identity: nil)
        retire(key)
        secrets[key] = secret
        refresh(port.port)
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
        refresh(port.port)
        logger.info(
            "a user's limits were changed", metadata: ["user": "\(name)", "port": "\(port.port)"])
        return key
    }

    /// What the client of a user writes as "password".
    func secret(_ name: String, port number: UInt16?) throws(AdminFailure) -> (ServedPort, String) {
        let (port, key) = try find(name, number)
        guard book[key]?.isRemoved == false else { throw AdminFailure(404, UserFault.noSuchUser(name).description) }
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
            guard let first = candidates.first else {
                let reason = ports.first.map { UserFault.noUsers($0.method).description }
                throw AdminFailure(409, reason ?? "the configuration names no port")
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

    /// Whether `secret` can be a new user's.
    private func check(_ secret: String, _ port: ServedPort) throws(AdminFailure) {
        if port.method.edition == .sip004, PasswordStrength(of: secret) != .strong {
            throw AdminFailure(400, "the password is weak: whoever records one packet can guess at leisure")
        }
        guard let credential = try? Credential(method: port.method, secret: secret), credential.identities.isEmpty
        else {
            throw AdminFailure(
                400, "the key is none: \(port.method.rawValue) takes \(port.method.keyLength) bytes in Base64")
        }
        let identity = UserIdentity(of: credential.key)
        let others = accepted.filter { $0.key.user.port == port.port }.map(\.value.credential) + [port.credential]
        guard !others.contains(where: { UserIdentity(of: $0.key) == identity }) else {
            throw AdminFailure(409, "somebody has that key already: it names its user, so one for each")
        }
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
        do throws(StoreFailure) {
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

    /// What somebody has opened with a key must not come back to life when another gets its name: it keeps the account it
    /// has, which is told once and for all that it is over, and the name gets another.
    private func retire(_ key: UserKey) {
        for index in ports.indices { accepted[Place(user: key, port: index)] = nil }
        guard let former = accounts[key] else { return }
        former.judge(.removed)
        count(key)
        accounts[key] = nil
        account(key).recall(used: former.reading.used, seen: former.reading.seen)
        usage[key]?.changeAccount()
    }

    /// Tells the ports of that number and the accounts of their users what the book says.
    private func refresh(_ number: UInt16) {
        for entry in book.entries where entry.key.port == number { entry.limits.apply(to: account(entry.key)) }
        judgeAll()
        let entries = book.served(on: number)
        for (index, port) in ports.enumerated() where port.port == number {
            let users = port.takesUsers ? entries.compactMap { accepted($0.key, index) } : []
            port.accept(users, identity: identityKey(of: port))
        }
    }

    /// Keys in files are not for users, and those in the configuration have been checked. Nil where a user has no key
    /// that fits the port.
    private func accepted(_ key: UserKey, _ index: Int) -> Accepted? {
        let place = Place(user: key, port: index)
        if let known = accepted[place] { return known }
        let port = ports[index]
        guard let text = secrets[key] ?? port.configuredSecret(key.name),
            let credential = try? Credential(method: port.method, secret: text)
        else { return nil }
        accepted[place] = Accepted(credential: credential, account: account(key))
        return accepted[place]
    }

    /// The key under which users name themselves, where that is not the port's own; nil if there is none that fits.
    private func identityKey(of port: ServedPort) -> SecretKey? {
        identities[port.port].flatMap { try? Credential(method: port.method, secret: $0).key }
    }

    /// Users who were added when the configuration said something else: to a port with "users", which needs no other key to
    /// name them under, or with another method.
    private func complete(_ number: UInt16) {
        let added = book.served(on: number).filter { $0.origin == .added }
        guard let port = ports.first(where: { $0.port == number }), let first = added.first?.key else { return }
        for entry in added where (try? Credential(method: port.method, secret: secrets[entry.key] ?? "")) == nil {
            logger.warning(
                "a user's key does not fit the method any more, so they are not served; remove and add them",
                metadata: ["user": "\(entry.key.name)", "port": "\(number)"])
        }
        guard port.needsIdentity, identityKey(of: port) == nil else { return }
        let identity = Base64.encode(Sodium.random(port.method.keyLength))
        identities[number] = identity
        logger.warning(
            "the users of a port get other passwords, because the configuration has no \"users\" for it any more",
            metadata: ["port": "\(number)"])
        do throws(StoreFailure) {
            try store?.keep(book.change(of: first), of: first, secret: secrets[first], identity: identity)
        } catch {
            warnOfLoss(error)
        }
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
        do throws(StoreFailure) {
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
