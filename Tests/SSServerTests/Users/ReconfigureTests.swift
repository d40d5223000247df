// Another configuration under a registry that runs: what commands have changed stays, and so does everybody who may.
import SSCommon
import SSNetwork
import SSServerCore
import Testing

@testable import ssserver

@Suite("Users, when the configuration is read again")
struct ReconfigureTests {
    private static let method = CipherMethod.blake3AES256GCM

    /// The ports of `settings` in place of those of `rig`, whose listeners stay.
    private func reconfigure(_ rig: RegistryRig, _ settings: [PortSetting]) async throws {
        let ports = try settings.map { setting in
            let served = try setting.served
            let former = rig.ports.first { $0.port == setting.port }
            let endpoint = EndpointConfiguration(
                try #require(TargetAddress(host: setting.address, port: setting.port)), method: setting.method,
                password: .text(setting.key), users: setting.users)
            return ServedPort(endpoint, served.credential, ring: former?.ring)
        }
        await rig.registry.reconfigure(ports)
    }

    @Test("Who was added or removed by a command stays so, after a restart too")
    func commands() async throws {
        let scratch = Scratch()
        let (ann, ben) = (PortSetting.freshKey(Self.method), PortSetting.freshKey(Self.method))
        var setting = PortSetting(users: [UserConfiguration("ann", ann), UserConfiguration("ben", ben)])
        var added = ""
        do {
            let rig = try await RegistryRig.running([setting], scratch)
            var limits = UserLimits()
            limits.quota = 5_000
            added = try await rig.registry.add("new", port: nil, secret: nil, limits).secret
            try await rig.registry.remove("ben", port: nil)
            setting.users?.append(UserConfiguration("cat", PortSetting.freshKey(Self.method)))
            try await reconfigure(rig, [setting])
            #expect(try rig.owner(added)?.user == "new")
            #expect(try rig.owner("\(setting.key):\(ann)")?.user == "ann")
            #expect(try rig.owner("\(setting.key):\(ben)") == nil, "removed, and still in the file")
            #expect(await rig.status("cat") != nil)
            #expect(await rig.status("new")?.entry.limits.quota == 5_000)
        }
        let rig = try await RegistryRig.running([setting], scratch)
        #expect(try rig.owner(added)?.user == "new" && rig.owner("\(setting.key):\(ben)") == nil)
    }

    @Test("Who stays keeps their account and what they have used; who goes or has another key loses it")
    func accounts() async throws {
        let scratch = Scratch()
        let keys = (0..<4).map { _ in PortSetting.freshKey(Self.method) }
        var setting = PortSetting(
            users: [
                UserConfiguration("stays", keys[0]), UserConfiguration("goes", keys[1]),
                UserConfiguration("changes", keys[2]),
            ])
        let rig = try await RegistryRig.running([setting], scratch)
        var accounts: [UserAccount] = []
        for key in keys.prefix(3) {
            let account = try #require(try rig.owner("\(setting.key):\(key)")?.account)
            #expect(account.openStream(at: rig.clock.now) == nil)
            _ = account.moved(up: 100, now: 0)
            _ = account.moved(down: 1_000, now: 0)
            accounts.append(account)
        }
        setting.users = [UserConfiguration("stays", keys[0], streams: 7), UserConfiguration("changes", keys[3])]
        try await reconfigure(rig, [setting])
        await rig.tickTwice()
        #expect(try rig.owner("\(setting.key):\(keys[0])")?.account === accounts[0])
        #expect(accounts[0].refusal == nil && accounts[1].refusal == .removed && accounts[2].refusal == .removed)
        #expect(await rig.status("stays")?.entry.limits.streams == 7)
        #expect(await rig.status("stays")?.usage.total.down == 1_000)
        #expect(try rig.owner("\(setting.key):\(keys[1])") == nil && rig.owner("\(setting.key):\(keys[2])") == nil)
        #expect(try rig.owner("\(setting.key):\(keys[3])")?.user == "changes")
        #expect(await rig.status("changes")?.usage.total.down == 1_000, "the same user with another key")
    }

    @Test("A port that goes takes its users with it, and has them again when it comes back")
    func ports() async throws {
        let scratch = Scratch()
        let keys = (0..<2).map { _ in PortSetting.freshKey(Self.method) }
        let settings = keys.enumerated().map { index, key in
            PortSetting(8388 + UInt16(index), users: [UserConfiguration("user \(index)", key)])
        }
        let rig = try await RegistryRig.running(settings, scratch)
        let account = try #require(try rig.owner("\(settings[1].key):\(keys[1])", 1)?.account)
        _ = account.moved(down: 2, now: 0)
        try await reconfigure(rig, [settings[0]])
        await rig.tickTwice()
        #expect(account.refusal == .removed)
        #expect(try rig.owner("\(settings[0].key):\(keys[0])")?.user == "user 0")
        #expect(await rig.registry.list().map(\.entry.key.name) == ["user 0"])
        try await reconfigure(rig, settings)
        await rig.tickTwice()
        #expect(try rig.owner("\(settings[1].key):\(keys[1])", 1)?.user == "user 1")
        #expect(await rig.status("user 1")?.usage.total.down == 2)
    }

    @Test("A thousand changes while others ask end where the last one says")
    func storm() async throws {
        let scratch = Scratch()
        let key = PortSetting.freshKey(Self.method)
        var setting = PortSetting(users: [UserConfiguration("ann", key)])
        let rig = try await RegistryRig.running([setting], scratch)
        let asking = Task {
            while !Task.isCancelled {
                _ = await rig.registry.list()
                await rig.registry.tick()
            }
        }
        for round in 0..<1_000 {
            setting.users =
                [UserConfiguration("ann", key)]
                + (0..<round % 3).map {
                    UserConfiguration("user \($0)", PortSetting.freshKey(Self.method))
                }
            try await reconfigure(rig, [setting])
            #expect(try rig.owner("\(setting.key):\(key)")?.user == "ann")
        }
        asking.cancel()
        await asking.value
        #expect(await rig.registry.list().count == 1)
    }
}
