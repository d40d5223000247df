import Foundation
import GRDB
import SSCommon
import SSNetwork
import SSServerCore
import Testing

@testable import ssserver

@Suite("Users while the server runs")
struct UserRegistryTests {
    private static let methods: [CipherMethod] = [.blake3AES128GCM, .blake3AES256GCM, .aes256GCM, .chacha20Poly1305]

    // MARK: Coming and going

    @Test("Without users nothing is written and the port's own key serves everybody", arguments: CipherMethod.allCases)
    func plain(method: CipherMethod) async throws {
        let scratch = Scratch()
        let setting = PortSetting(8388, method)
        let rig = try await RegistryRig.running([setting], scratch)
        await rig.tickTwice()
        await rig.registry.end()
        #expect(scratch.files.isEmpty)
        let owner = try #require(try rig.owner(setting.key))
        #expect(owner.account == nil)
        #expect(rig.log.lines.isEmpty)
    }

    @Test(
        "Who is added is served with what the command answers, beside the port's key, after a restart too",
        arguments: methods)
    func added(method: CipherMethod) async throws {
        let scratch = Scratch()
        let setting = PortSetting(8388, method)
        var secrets: [String: String] = [:]
        do {
            let rig = try await RegistryRig.running([setting], scratch)
            for name in ["alice", "bob"] {
                secrets[name] = try await rig.registry.add(name, port: nil, secret: nil, UserLimits()).secret
            }
            let given = PortSetting.freshKey(method)
            let answer = try await rig.registry.add("carol", port: 8388, secret: given, UserLimits())
            #expect(answer.secret == given || answer.secret.hasSuffix(":\(given)"))
            secrets["carol"] = answer.secret
        }
        // Killed: nobody has called `end`.
        for _ in 0..<2 {
            let rig = try await RegistryRig.running([setting], scratch)
            for (name, secret) in secrets {
                #expect(try rig.owner(secret)?.user == name)
                #expect(try await rig.registry.secret(name, port: nil).1 == secret)
            }
            #expect(try rig.owner(setting.key) != nil)
            #expect(try rig.owner(setting.key)?.account == nil)
            #expect(await rig.registry.list().map(\.entry.key.name) == ["alice", "bob", "carol"])
            #expect(await rig.registry.list().allSatisfy { $0.entry.origin == .added && $0.refusal == nil })
        }
        #expect(Set(secrets.values).count == 3)
        #expect(scratch.mode(scratch.file) == 0o600)
    }

    @Test("Where the configuration has \"users\", be it none, the port's own key lets nobody in", arguments: [0, 2])
    func usersOnly(count: Int) async throws {
        let scratch = Scratch()
        let keys = (0..<count).map { _ in PortSetting.freshKey(.blake3AES256GCM) }
        let setting = PortSetting(users: keys.enumerated().map { UserConfiguration("user \($0)", $1) })
        let rig = try await RegistryRig.running([setting], scratch)
        #expect(try rig.owner(setting.key) == nil)
        for (index, key) in keys.enumerated() {
            #expect(try rig.owner("\(setting.key):\(key)")?.user == "user \(index)")
            #expect(try await rig.registry.secret("user \(index)", port: nil).1 == "\(setting.key):\(key)")
            #expect(try rig.owner(key) == nil)
        }
        let added = try await rig.registry.add("new", port: nil, secret: nil, UserLimits()).secret
        #expect(added.hasPrefix("\(setting.key):"))
        #expect(try rig.owner(added)?.user == "new")
        #expect(try rig.owner(setting.key) == nil)
        try await rig.registry.remove("new", port: nil)
        #expect(try rig.owner(added) == nil)
        #expect(try rig.owner(setting.key) == nil)
    }

    @Test("Classic users of the configuration are found, and whoever has the port's password is nobody of them")
    func classic() async throws {
        let scratch = Scratch()
        let keys = (0..<100).map { _ in PortSetting.freshKey(.aes256GCM) }
        let users = keys.enumerated().map { UserConfiguration("user \($0)", $1) }
        let setting = PortSetting(8388, .aes256GCM, users: users)
        let rig = try await RegistryRig.running([setting], scratch)
        for (index, key) in keys.enumerated() { #expect(try rig.owner(key)?.user == "user \(index)") }
        #expect(try rig.owner(setting.key)?.account == nil)
        #expect(try rig.owner(PortSetting.freshKey(.aes256GCM)) == nil)
        #expect(
            await failure {
                _ = try await rig.registry.add("more", port: nil, secret: nil, UserLimits())
            }?.status == 409)
    }

    @Test("Who is removed is served no more, whoever named them, and stays away after a restart", arguments: methods)
    func removed(method: CipherMethod) async throws {
        let scratch = Scratch()
        let key = PortSetting.freshKey(method)
        let setting = PortSetting(8388, method, users: [UserConfiguration("ann", key)])
        var added = ""
        var configured = ""
        do {
            let rig = try await RegistryRig.running([setting], scratch)
            configured = try await rig.registry.secret("ann", port: nil).1
            added = try await rig.registry.add("bob", port: nil, secret: nil, UserLimits()).secret
            let account = try #require(try rig.owner(added)?.account)
            #expect(account.openStream(at: 1) == nil)
            try await rig.registry.remove("bob", port: nil)
            try await rig.registry.remove("ann", port: nil)
            #expect(account.refusal == .removed)
            for secret in [added, configured] { #expect(try rig.owner(secret) == nil) }
        }
        let rig = try await RegistryRig.running([setting], scratch)
        for secret in [added, configured] { #expect(try rig.owner(secret) == nil) }
        #expect(await rig.registry.list().map(\.entry.isRemoved) == [true])
        #expect(await rig.status("ann")?.refusal == .removed)
        #expect(rig.log.lines.contains { $0.contains("a command removed them") && $0.contains("user=ann") })
        #expect(await failure { _ = try await rig.registry.secret("ann", port: nil) } != nil)
        // They may come back, with another key.
        let again = try await rig.registry.add("ann", port: nil, secret: nil, UserLimits()).secret
        #expect(again != configured)
        #expect(try rig.owner(again)?.user == "ann")
        #expect(try rig.owner(configured) == nil)
    }

    @Test("Whoever comes back under a name with another key does not bring the old sessions back to life")
    func rotated() async throws {
        let scratch = Scratch()
        let rig = try await RegistryRig.running([PortSetting()], scratch)
        let old = try await rig.registry.add("alice", port: nil, secret: nil, UserLimits()).secret
        let before = try #require(try rig.owner(old)?.account)
        #expect(before.openStream(at: 1) == nil)
        _ = before.moved(up: 70, now: 0)
        try await rig.registry.remove("alice", port: nil)
        let new = try await rig.registry.add("alice", port: nil, secret: nil, UserLimits()).secret
        await rig.tickTwice()
        #expect(before.refusal == .removed, "a stream that the old key opened goes on")
        let after = try #require(try rig.owner(new)?.account)
        #expect(after.refusal == nil)
        // What was used is used all the same.
        let status = try #require(await rig.status("alice"))
        #expect(status.usage.monthly.up == 70)
        #expect(status.reading.used == 70)
        #expect(after.openStream(at: 2) == nil)
        _ = after.moved(down: 5, now: 0)
        #expect(await rig.status("alice")?.usage.monthly == .init(up: 70, down: 5))
        await rig.tickTwice()
        let later = try await RegistryRig.running([PortSetting()], scratch)
        #expect(await later.status("alice")?.usage.total == .init(up: 70, down: 5))
    }

    @Test("Another key is another beginning for the sessions, and none for limits and books", arguments: methods)
    func rekeyed(method: CipherMethod) async throws {
        let scratch = Scratch()
        let setting = PortSetting(
            8388, method, users: [UserConfiguration("ann", PortSetting.freshKey(method), quota: 500)])
        let keys = ["ann": PortSetting.freshKey(method), "bob": PortSetting.freshKey(method)]
        do {
            let rig = try await RegistryRig.running([setting], scratch)
            _ = try await rig.registry.add("bob", port: nil, secret: nil, UserLimits())
            for (name, key) in keys {
                let old = try await rig.registry.secret(name, port: nil).1
                let before = try #require(try rig.owner(old)?.account)
                _ = before.moved(up: 30, now: 0)
                try await rig.registry.rekey(name, port: nil, secret: key)
                await rig.tickTwice()
                #expect(before.refusal == .removed)
                #expect(try rig.owner(old) == nil)
                let after = try #require(try rig.owner(try await rig.registry.secret(name, port: nil).1)?.account)
                #expect(after.refusal == nil && after.reading.used == 30)
                _ = after.moved(down: 2, now: 0)
            }
            #expect(
                await failure {
                    try await rig.registry.rekey("ann", port: nil, secret: keys["bob"] ?? "")
                }?.status == 409)
            #expect(
                await failure { try await rig.registry.rekey("eve", port: nil, secret: setting.key) }?.status == 404)
            await rig.registry.end()
        }
        let rig = try await RegistryRig.running([setting], scratch)
        for (name, key) in keys {
            let secret = try await rig.registry.secret(name, port: nil).1
            #expect(secret.hasSuffix(key))
            #expect(try rig.owner(secret)?.user == name)
            #expect(await rig.status(name)?.usage.total == .init(up: 30, down: 2))
            #expect(await rig.status(name)?.entry.limits.quota == (name == "ann" ? 500 : nil))
        }
    }

    // MARK: Limits

    @Test("Limits set by a command hold at once and after a restart, over those of the configuration")
    func limited() async throws {
        let scratch = Scratch()
        let setting = PortSetting(users: [
            UserConfiguration("ann", PortSetting.freshKey(.blake3AES256GCM), quota: 100, streams: 5)
        ])
        do {
            let rig = try await RegistryRig.running([setting], scratch)
            let account = try #require(try rig.owner(try await rig.registry.secret("ann", port: nil).1)?.account)
            for _ in 0..<5 { #expect(account.openStream(at: 1) == nil) }
            #expect(account.openStream(at: 1) == .limit)
            _ = try await rig.registry.limit("ann", port: nil) { $0.streams = 6 }
            #expect(account.openStream(at: 1) == nil)
            _ = account.moved(up: 100, now: 0)
            #expect(account.refusal == .quota)
            _ = try await rig.registry.limit("ann", port: nil) { $0.quota = 200 }
            #expect(account.refusal == nil)
            _ = try await rig.registry.limit("ann", port: nil) {
                $0.quota = nil
                $0.rate = 1_000
                $0.expires = CalendarDay("2030-01-01")
            }
        }
        let rig = try await RegistryRig.running([setting], scratch)
        let limits = try #require(await rig.status("ann")).entry.limits
        #expect(limits.quota == nil && limits.rate == 1_000 && limits.streams == 6)
        #expect(limits.expires?.description == "2030-01-01")
    }

    @Test("A user expires by the clock, in the second the day begins, and comes back when the day is moved")
    func expiry() async throws {
        let scratch = Scratch()
        let clock = TestClock()
        let rig = try await RegistryRig.running([PortSetting()], scratch, clock: clock)
        var limits = UserLimits()
        limits.expires = CalendarDay("2027-04-01")
        let secret = try await rig.registry.add("alice", port: nil, secret: nil, limits).secret
        let account = try #require(try rig.owner(secret)?.account)
        clock.set("2027-04-01")
        clock.now -= 1
        await rig.registry.tick()
        #expect(account.refusal == nil)
        clock.now += 1
        await rig.registry.tick()
        #expect(account.refusal == .expired)
        let again = try await RegistryRig.running([PortSetting()], scratch, clock: clock)
        #expect(await again.status("alice")?.refusal == .expired)
        _ = try await rig.registry.limit("alice", port: nil) { $0.expires = CalendarDay("2027-05-01") }
        #expect(account.refusal == nil)
        _ = try await rig.registry.limit("alice", port: nil) { $0.expires = CalendarDay("1969-01-01") }
        #expect(account.refusal == .expired)
        _ = try await rig.registry.limit("alice", port: nil) { $0.expires = nil }
        #expect(account.refusal == nil)
    }

    // MARK: Books

    @Test("The quota counts on after a restart, and begins anew with the month, running or not")
    func months() async throws {
        let scratch = Scratch()
        let (clock, setting) = (TestClock(), PortSetting())
        var limits = UserLimits()
        limits.quota = 1_000
        var secret = ""
        func account(_ rig: RegistryRig) throws -> UserAccount { try #require(try rig.owner(secret)?.account) }
        do {
            let rig = try await RegistryRig.running([setting], scratch, clock: clock)
            secret = try await rig.registry.add("alice", port: nil, secret: nil, limits).secret
            #expect(try account(rig).openStream(at: clock.now) == nil)
            _ = try account(rig).moved(up: 600, now: 0)
            await rig.tickTwice()
        }
        do {
            let rig = try await RegistryRig.running([setting], scratch, clock: clock)
            #expect(try account(rig).refusal == nil)
            #expect(try account(rig).reading.seen == clock.now)
            _ = try account(rig).moved(down: 400, now: 0)
            #expect(try account(rig).refusal == .quota)
            await rig.registry.end()
        }
        do {
            let rig = try await RegistryRig.running([setting], scratch, clock: clock)
            #expect(try account(rig).refusal == .quota)
            #expect(await rig.status("alice")?.usage.monthly == .init(up: 600, down: 400))
            clock.set("2027-04-01")
            await rig.registry.tick()
            #expect(try account(rig).refusal == nil)
            let status = try #require(await rig.status("alice"))
            #expect(status.usage.monthly.sum == 0 && "\(status.usage.month)" == "2027-04")
            #expect(status.usage.total == .init(up: 600, down: 400))
            _ = try account(rig).moved(down: 7, now: 0)
            await rig.tickTwice()
        }
        do {
            let rig = try await RegistryRig.running([setting], scratch, clock: clock)
            #expect(await rig.status("alice")?.usage.monthly == .init(down: 7))
        }
        clock.set("2028-01-01")
        let rig = try await RegistryRig.running([setting], scratch, clock: clock)
        let status = try #require(await rig.status("alice"))
        #expect(status.usage.monthly.sum == 0)
        #expect(status.usage.total == .init(up: 600, down: 407))
        #expect(try account(rig).refusal == nil)
    }

    @Test("A clock that goes back a month starts no new quota")
    func backwards() async throws {
        let scratch = Scratch()
        let clock = TestClock()
        let rig = try await RegistryRig.running([PortSetting()], scratch, clock: clock)
        let secret = try await rig.registry.add("alice", port: nil, secret: nil, UserLimits()).secret
        let account = try #require(try rig.owner(secret)?.account)
        _ = account.moved(up: 5, now: 0)
        clock.set("2027-02-01")
        await rig.tickTwice()
        #expect(await rig.status("alice")?.usage.monthly == .init(up: 5))
        clock.set("2027-03-20")
        await rig.tickTwice()
        #expect(await rig.status("alice")?.usage.monthly == .init(up: 5))
    }

    @Test("What cannot be written is said once and written later, to the byte")
    func locked() async throws {
        let scratch = Scratch()
        let setting = PortSetting()
        let rig = try await RegistryRig.running([setting], scratch)
        let secret = try await rig.registry.add("alice", port: nil, secret: nil, UserLimits()).secret
        let account = try #require(try rig.owner(secret)?.account)
        var unsafe = GRDB.Configuration()
        unsafe.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: scratch.file, configuration: unsafe)
        try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN EXCLUSIVE") }
        for _ in 0..<2 {
            _ = account.moved(up: 10, now: 0)
            await rig.tickTwice()
        }
        #expect(rig.log.lines.filter { $0.contains("cannot be written") }.count == 1)
        #expect(await rig.status("alice")?.usage.unwritten == .init(up: 20))
        // A command is refused meanwhile, and nothing is changed.
        let refusal = await failure { try await rig.registry.remove("alice", port: nil) }
        #expect(refusal?.status == 507)
        #expect(try rig.owner(secret)?.user == "alice")
        try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        _ = account.moved(up: 1, now: 0)
        await rig.tickTwice()
        let again = try await RegistryRig.running([setting], scratch)
        #expect(await again.status("alice")?.usage.total == .init(up: 21))
    }

    @Test("What somebody used stays with their name while the configuration does not have it")
    func away() async throws {
        let scratch = Scratch()
        var setting = PortSetting(users: [UserConfiguration("ann", PortSetting.freshKey(.blake3AES256GCM))])
        do {
            let rig = try await RegistryRig.running([setting], scratch)
            let account = try #require(try rig.owner(try await rig.registry.secret("ann", port: nil).1)?.account)
            _ = account.moved(up: 50, now: 0)
            await rig.tickTwice()
        }
        let users = setting.users
        setting.users = []
        do {
            let rig = try await RegistryRig.running([setting], scratch)
            #expect(await rig.registry.list().isEmpty)
            _ = try await rig.registry.add("ann", port: nil, secret: nil, UserLimits())
            #expect(await rig.status("ann")?.usage.total == .init(up: 50))
            try await rig.registry.remove("ann", port: nil)
        }
        setting.users = users
        let rig = try await RegistryRig.running([setting], scratch)
        #expect(await rig.status("ann")?.usage.total == .init(up: 50))
        #expect(await rig.status("ann")?.refusal == nil)
    }

    // MARK: What is refused

    @Test("A key that somebody has is nobody else's", arguments: methods)
    func duplicates(method: CipherMethod) async throws {
        let scratch = Scratch()
        let key = PortSetting.freshKey(method)
        let setting = PortSetting(8388, method, users: [UserConfiguration("ann", key)])
        let rig = try await RegistryRig.running([setting], scratch)
        let bobs = PortSetting.freshKey(method)
        _ = try await rig.registry.add("bob", port: nil, secret: bobs, UserLimits())
        for taken in [key, bobs, setting.key] {
            let refusal = await failure {
                _ = try await rig.registry.add("eve", port: nil, secret: taken, UserLimits())
            }
            #expect(refusal?.status == 409)
            #expect(refusal?.message.contains(taken) == false)
        }
        try await rig.registry.remove("bob", port: nil)
        _ = try await rig.registry.add("eve", port: nil, secret: bobs, UserLimits())
        #expect(await rig.registry.list().map(\.entry.key.name) == ["ann", "eve"])
    }

    @Test(
        "What is no key is refused without being repeated",
        arguments: [
            (CipherMethod.blake3AES256GCM, "not base64 at all!"), (.blake3AES256GCM, ""), (.blake3AES256GCM, "AAAA"),
            (.blake3AES128GCM, "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8="),
            (.blake3AES128GCM, "QEFCQ0RFRkdISUpLTE1OTw==:oKGio6SlpqeoqaqrrK2urw=="),
            (.aes256GCM, "short-password"), (.aes256GCM, ""), (.aes256GCM, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ])
    func badKeys(method: CipherMethod, key: String) async throws {
        let scratch = Scratch()
        let rig = try await RegistryRig.running([PortSetting(8388, method)], scratch)
        let refusal = await failure {
            _ = try await rig.registry.add("alice", port: nil, secret: key, UserLimits())
        }
        #expect(refusal?.status == 400)
        #expect(key.isEmpty || refusal?.message.contains(key) == false)
        #expect(await rig.registry.list().isEmpty)
        #expect(scratch.files.isEmpty)
    }

    // MARK: Files that cannot be had

    @Test("Without a place for the file the server starts, says what that means, and refuses commands")
    func nowhere() async throws {
        let scratch = Scratch()
        let setting = PortSetting(users: [UserConfiguration("ann", PortSetting.freshKey(.blake3AES256GCM))])
        for path in ["", "\(scratch.directory)/no/users.sqlite"] {
            let rig = try RegistryRig([setting], scratch, path: path)
            try await rig.registry.start()
            #expect(rig.log.lines.contains { $0.hasPrefix("warning ") && $0.contains("quotas begin anew") })
            let secret = try await rig.registry.secret("ann", port: nil).1
            #expect(try rig.owner(secret)?.user == "ann")
            await rig.tickTwice()
            let refusal = await failure {
                _ = try await rig.registry.add("bob", port: nil, secret: nil, UserLimits())
            }
            #expect(refusal?.status == 507)
            #expect(await rig.registry.list().map(\.entry.key.name) == ["ann"])
        }
    }

    @Test("A file that cannot be read stops the start: it may say whom not to serve")
    func corrupt() async throws {
        let scratch = Scratch()
        try Data("no database at all, whatever the name says".utf8).write(to: URL(fileURLWithPath: scratch.file))
        for users in [nil, [UserConfiguration("ann", PortSetting.freshKey(.blake3AES256GCM))]] {
            let rig = try RegistryRig([PortSetting(users: users)], scratch)
            await #expect(throws: StoreFailure.self) { try await rig.registry.start() }
        }
    }

    @Test("On a full disk the server starts with the users of its configuration, today and the next time")
    func full() async throws {
        let disk = try SmallDisk()
        disk.fill()
        let setting = PortSetting(users: [UserConfiguration("ann", PortSetting.freshKey(.blake3AES256GCM))])
        for _ in 0..<2 {
            let rig = try RegistryRig([setting], Scratch(), path: disk.file)
            try await rig.registry.start()
            #expect(rig.log.lines.contains { $0.contains("quotas begin anew") })
        }
    }

    // MARK: Secrets

    @Test("No key is in any line of the log or in any refusal")
    func secrets() async throws {
        let scratch = Scratch()
        let setting = PortSetting(users: [UserConfiguration("ann", PortSetting.freshKey(.blake3AES256GCM))])
        let rig = try await RegistryRig.running([setting], scratch)
        var secrets = [setting.key, try await rig.registry.secret("ann", port: nil).1]
        var said: [String] = []
        for name in ["bob", "bob", "", "a/b"] {
            let key = PortSetting.freshKey(.blake3AES256GCM)
            secrets.append(key)
            let refusal = await failure {
                _ = try await rig.registry.add(name, port: nil, secret: key, UserLimits())
            }
            if let refusal { said.append(refusal.message) }
        }
        _ = try await rig.registry.limit("bob", port: nil) { $0.quota = 1 }
        try await rig.registry.remove("bob", port: nil)
        said += rig.log.lines
        #expect(said.count >= 6)
        for secret in secrets.flatMap({ $0.split(separator: ":") }) {
            #expect(!said.contains { $0.contains(secret) })
        }
    }
}
