import Foundation
import GRDB
import SSCommon
import SSNetwork
import SSServerCore
import Testing

@testable import ssserver

@Suite("Users of several ports")
struct UserRegistryPortTests {
    @Test("With several ports one must be named, and a name on two of them too")
    func ports() async throws {
        let scratch = Scratch()
        let settings = [
            PortSetting(1, .blake3ChaCha20Poly1305), PortSetting(2, .blake3AES128GCM), PortSetting(3, .aes256GCM),
        ]
        let rig = try await RegistryRig.running(settings, scratch)
        func add(_ name: String, _ port: UInt16?) async -> AdminFailure? {
            await failure {
                _ = try await rig.registry.add(name, port: port, secret: nil, UserLimits())
            }
        }
        let unnamed = await add("alice", nil)
        #expect(unnamed?.status == 400)
        #expect(unnamed?.message.contains("such as 2") == true, "a port that takes users: \(unnamed?.message ?? "")")
        #expect(await add("alice", 9)?.status == 404)
        #expect(await add("alice", 1)?.status == 409)
        for port: UInt16 in [2, 3] { #expect(await add("alice", port) == nil) }
        #expect(await add("bob", 3) == nil)
        let both = await failure { try await rig.registry.remove("alice", port: nil) }
        #expect(both?.status == 400)
        try await rig.registry.remove("alice", port: 2)
        // Now there is only one.
        let (port, secret) = try await rig.registry.secret("alice", port: nil)
        #expect(port.port == 3)
        #expect(try rig.owner(secret, 2)?.user == "alice")
        try await rig.registry.remove("bob", port: nil)
        #expect(await rig.registry.list().map { "\($0.entry.key.port) \($0.entry.key.name)" } == ["3 alice"])
    }

    @Test("The one port of several that takes users need not be named")
    func onlyPort() async throws {
        let scratch = Scratch()
        let settings = [PortSetting(1, .blake3ChaCha20Poly1305), PortSetting(2, .blake3AES128GCM)]
        let rig = try await RegistryRig.running(settings, scratch)
        #expect(try await rig.registry.add("alice", port: nil, secret: nil, UserLimits()).key.port == 2)
        let none = try await RegistryRig.running([PortSetting(1, .blake3ChaCha20Poly1305)], Scratch())
        #expect(
            await failure {
                _ = try await none.registry.add("alice", port: nil, secret: nil, UserLimits())
            }?.status == 409)
    }

    @Test("A port that is served on two addresses has the same users on both, added, limited and removed")
    func twoAddresses() async throws {
        let scratch = Scratch()
        var first = PortSetting(users: [UserConfiguration("ann", PortSetting.freshKey(.blake3AES256GCM))])
        var second = first
        second.address = "::1"
        for hasUsers in [true, false] {
            if !hasUsers { (first.users, second.users) = (nil, nil) }
            let rig = try await RegistryRig.running([first, second], scratch)
            let name = "bob \(hasUsers)"
            let secret = try await rig.registry.add(name, port: 8388, secret: nil, UserLimits()).secret
            for index in 0..<2 { #expect(try rig.owner(secret, index)?.user == name) }
            #expect(try rig.owner(secret, 0)?.account === rig.owner(secret, 1)?.account)
            try await rig.registry.remove(name, port: nil)
            for index in 0..<2 { #expect(try rig.owner(secret, index) == nil) }
        }
    }

    @Test("Users of one address of a port are not users of another that has other keys")
    func twoKeys() async throws {
        let scratch = Scratch()
        let keys = [PortSetting.freshKey(.blake3AES256GCM), PortSetting.freshKey(.blake3AES128GCM)]
        let first = PortSetting(8388, .blake3AES256GCM, users: [UserConfiguration("ann", keys[0])])
        var second = PortSetting(8388, .blake3AES128GCM, users: [UserConfiguration("ann", keys[1])])
        second.address = "::1"
        let rig = try await RegistryRig.running([first, second], scratch)
        #expect(try rig.owner("\(first.key):\(keys[0])", 0)?.user == "ann")
        #expect(try rig.owner("\(second.key):\(keys[1])", 1)?.user == "ann")
    }

    @Test("Users stay when the configuration of their port changes around them")
    func reconfigured() async throws {
        let scratch = Scratch()
        var setting = PortSetting(users: [])
        do {
            let rig = try await RegistryRig.running([setting], scratch)
            for name in ["alice", "bob"] {
                _ = try await rig.registry.add(name, port: nil, secret: nil, UserLimits())
            }
        }
        // With and without "users", and back.
        for users in [nil, [UserConfiguration("ann", PortSetting.freshKey(.blake3AES256GCM))], nil, []] {
            setting.users = users
            let rig = try await RegistryRig.running([setting], scratch)
            for name in ["alice", "bob"] {
                let secret = try await rig.registry.secret(name, port: nil).1
                #expect(try rig.owner(secret)?.user == name)
                #expect(secret.hasPrefix("\(setting.key):") == (users != nil))
            }
            #expect((try rig.owner(setting.key) != nil) == (users == nil))
            let again = try await RegistryRig.running([setting], scratch)
            #expect(try await again.registry.secret("bob", port: nil).1 == rig.registry.secret("bob", port: nil).1)
        }
    }

    @Test("A key that fits the port's new method no more is said to, and stops nobody else")
    func otherMethod() async throws {
        let scratch = Scratch()
        var old = PortSetting()
        _ = try await RegistryRig.running([old], scratch).registry.add("alice", port: nil, secret: nil, UserLimits())
        for method in CipherMethod.allCases where method != old.method {
            old = PortSetting(8388, method)
            let rig = try await RegistryRig.running([old], scratch)
            #expect(try rig.owner(old.key)?.account == nil)
            #expect(try rig.owner(old.key) != nil)
            if method == .blake3AES128GCM {
                #expect(rig.log.lines.contains { $0.contains("does not fit") && $0.contains("user=alice") })
                let secret = try await rig.registry.add("bob", port: nil, secret: nil, UserLimits()).secret
                #expect(try rig.owner(secret)?.user == "bob")
                try await rig.registry.remove("bob", port: nil)
            }
        }
    }

    @Test("Users of a port that is served no more are not shown, and are there when it is served again")
    func portGone() async throws {
        let scratch = Scratch()
        let setting = PortSetting()
        let secret = try await RegistryRig.running([setting], scratch).registry
            .add("alice", port: nil, secret: nil, UserLimits()).secret
        let away = try await RegistryRig.running([PortSetting(9999)], scratch)
        #expect(await away.registry.list().isEmpty)
        #expect(await failure { try await away.registry.remove("alice", port: nil) }?.status == 404)
        let back = try await RegistryRig.running([setting], scratch)
        #expect(try back.owner(secret)?.user == "alice")
    }
}
