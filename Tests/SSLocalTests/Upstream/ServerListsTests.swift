import NIOCore
import SSCommon
import SSNetwork
import Testing

@testable import sslocal

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A state directory, and lists in it.
private final class Scene {
    let directory: String
    let servers: ServerSet
    let configured = [ServerRig.entry(1), ServerRig.entry(2)]

    init() throws {
        var template = Array("/tmp/ss-lists-XXXXXX".utf8CString)
        #expect(mkdtemp(&template) != nil)
        directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        servers = ServerSet(configured, resolver: NoNames(), logger: ServerRig.logger)
    }

    deinit {
        for name in ["servers.json", "online-servers.json", ".servers.json.x", "other"] {
            unlink("\(directory)/\(name)")
        }
        rmdir(directory)
    }

    func lists() -> ServerLists {
        ServerLists(servers, configured: configured, directory: directory, logger: ServerRig.logger)
    }

    var ports: [UInt16] { servers.withContents { $0.servers.map(\.address.port) } }

    static func link(_ port: UInt16, method: String = "aes-256-gcm") -> ServerLink {
        ServerLink(method: method, password: "a key for tests only", host: "127.0.0.1", port: port)
    }

    func write(_ name: String, _ text: String) {
        guard let file = fopen("\(directory)/\(name)", "w") else { return }
        fputs(text, file)
        fclose(file)
    }

    func has(_ name: String) -> Bool { access("\(directory)/\(name)", F_OK) == 0 }
}

@Suite("Lists of servers that are kept")
struct ServerListsTests {
    @Test("A list that was swapped in is found again, until the configuration's is wanted")
    func swapped() throws {
        let scene = try Scene()
        let lists = scene.lists()
        #expect(try lists.use([Scene.link(7), Scene.link(8), Scene.link(7)]) == [])
        #expect(scene.ports == [7, 8])
        #expect(lists.source == scene.directory + "/servers.json" && lists.isSwapped)
        let next = scene.lists()
        scene.servers.replace(with: scene.configured)
        next.restore(hasOnline: false)
        #expect(scene.ports == [7, 8] && next.isSwapped)
        try next.useConfiguration()
        #expect(scene.ports == [1, 2] && next.source == nil)
        #expect(!scene.has("servers.json"))
        try next.useConfiguration()
    }

    @Test("What cannot be used is left out and named; if nothing is left nothing changes")
    func skipped() throws {
        let scene = try Scene()
        let lists = scene.lists()
        var plugin = Scene.link(9)
        plugin.plugin = ServerLink.Plugin(name: "v2ray-plugin")
        let reasons = try lists.use([plugin, Scene.link(7)])
        #expect(reasons.count == 1 && reasons[0].contains("v2ray-plugin") && reasons[0].contains("127.0.0.1:9"))
        #expect(scene.ports == [7])
        for bad in [
            [], [plugin], [Scene.link(5, method: "rc4-md5")], [Scene.link(5, method: "2022-blake3-aes-256-gcm")],
        ] {
            #expect(throws: ServerLists.Refusal.self) { try lists.use(bad) }
            #expect(throws: ServerLists.Refusal.self) { try lists.publish(bad) }
            #expect(scene.ports == [7])
        }
    }

    @Test("A published list stands for the configuration's servers, and does not push out what a person swapped in")
    func published() throws {
        let scene = try Scene()
        let lists = scene.lists()
        #expect(try lists.publish([Scene.link(3)]) == [])
        #expect(scene.ports == [3] && !lists.isSwapped && scene.has("online-servers.json"))
        _ = try lists.use([Scene.link(7)])
        _ = try lists.publish([Scene.link(4)])
        #expect(scene.ports == [7])
        try lists.useConfiguration()
        #expect(scene.ports == [4])
        let next = scene.lists()
        scene.servers.replace(with: scene.configured)
        next.restore(hasOnline: true)
        #expect(scene.ports == [4] && next.source == scene.directory + "/online-servers.json")
        // The configuration names no address any more.
        scene.servers.replace(with: scene.configured)
        scene.lists().restore(hasOnline: false)
        #expect(scene.ports == [1, 2])
    }

    @Test("The same list again is no news: servers keep what is known about them")
    func same() throws {
        let scene = try Scene()
        let lists = scene.lists()
        _ = try lists.publish([Scene.link(3)])
        let server = scene.servers.withContents { $0.servers[0] }
        _ = try lists.publish([Scene.link(3)])
        _ = try lists.use([Scene.link(3)])
        #expect(scene.servers.withContents { $0.servers[0] } === server)
    }

    @Test(
        "A kept list that is damaged is passed over",
        arguments: [
            "", "{", "[]", "{\"version\":1,\"servers\":[]}", "\u{0}\u{1}",
            "{\"version\":1,\"servers\":[{\"server\":3}]}",
        ])
    func damaged(text: String) throws {
        let scene = try Scene()
        scene.write("servers.json", text)
        scene.write("online-servers.json", text)
        let lists = scene.lists()
        lists.restore(hasOnline: true)
        #expect(scene.ports == [1, 2] && lists.source == nil)
    }

    @Test("What a killed program left half written is cleared away, and nothing else")
    func leftovers() throws {
        let scene = try Scene()
        scene.write(".servers.json.x", "half")
        scene.write("other", "mine")
        scene.lists().restore(hasOnline: false)
        #expect(!scene.has(".servers.json.x") && scene.has("other"))
    }

    @Test("A list that cannot be kept is not used")
    func full() throws {
        let scene = try Scene()
        let lists = ServerLists(
            scene.servers, configured: scene.configured, directory: "/proc/no/such/place", logger: ServerRig.logger)
        #expect(throws: ServerLists.Refusal.self) { try lists.use([Scene.link(7)]) }
        #expect(throws: ServerLists.Refusal.self) { try lists.publish([Scene.link(7)]) }
        #expect(scene.ports == [1, 2])
    }
}
