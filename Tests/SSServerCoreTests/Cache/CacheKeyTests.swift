import SSCommon
import Testing

@testable import SSServerCore

@Suite("What a kept answer is found by")
struct CacheKeyTests {
    private func key(
        _ target: String, _ port: UInt16 = 80, host: String?, path: String = "/", user: String? = nil
    ) throws -> CacheKey? {
        CacheKey(
            target: try #require(TargetAddress(host: target, port: port)),
            host: try host.map { try HTTPAuthority(within($0)) },
            path: Array(path.utf8), user: user)
    }

    @Test(
        "Host must say where the stream leads, in any case, with the port or without where it is 80",
        arguments: [
            ("example.net", 80, "example.net", true), ("example.net", 80, "EXAMPLE.net", true),
            ("ExAmPlE.NET", 80, "example.net", true), ("example.net", 80, "example.net:80", true),
            ("example.net", 80, "example.net:", true), ("example.net", 8080, "example.net:8080", true),
            ("example.net", 8080, "example.net", false), ("example.net", 80, "example.net:8080", false),
            ("example.net", 8080, "example.net:80", false), ("example.net", 80, "example.org", false),
            ("example.net", 80, "www.example.net", false), ("www.example.net", 80, "example.net", false),
            ("example.net", 80, "example.ne", false), ("example.net", 80, "192.0.2.1", false),
            ("example.net", 80, "[::1]", false),
        ] as [(String, UInt16, String, Bool)])
    func sameHost(target: String, port: UInt16, host: String, isOurs: Bool) throws {
        #expect((try key(target, port, host: host) != nil) == isOurs)
    }

    @Test("Without Host there is no key", arguments: ["example.net", "192.0.2.1", "2001:db8::1"])
    func noHost(target: String) throws {
        #expect(try key(target, host: nil) == nil)
    }

    @Test("However the same host is written, it is one key")
    func oneSpelling() throws {
        let keys = try [
            key("example.net", host: "example.net"), key("EXAMPLE.net", host: "example.NET:80"),
            key("example.net", host: "Example.Net:"),
        ]
        #expect(Set(keys).count == 1 && keys[0] != nil)
    }

    @Test("An address is not a name that has it, nor another address, nor another name there")
    func addresses() throws {
        let keys = try [
            key("example.net", host: "example.net"), key("192.0.2.1", host: "example.net"),
            key("192.0.2.2", host: "example.net"), key("192.0.2.1", host: "example.org"),
            key("192.0.2.1", host: "192.0.2.1"),
            key("2001:db8::1", host: "example.net"), key("2001:db8::1", host: "[2001:db8::1]"),
            key("192.0.2.1", 8080, host: "example.net"), key("192.0.2.1", 8080, host: "example.net:8080"),
            key("192.0.2.1", host: "example.net:8080"), key("example.net", 8080, host: "example.net:8080"),
        ]
        #expect(!keys.contains(nil) && Set(keys).count == keys.count)
    }

    @Test("The path with its query counts byte by byte")
    func paths() throws {
        let paths = ["/", "/a", "/A", "/a/", "/a?", "/a?b", "/a?b&c", "/a?c&b", "/%61", "/a%2f", "/a//", "/:80/", "//"]
        #expect(Set(try paths.map { try key("example.net", host: "example.net", path: $0) }).count == paths.count)
    }

    @Test("Users that are kept apart share nothing, with one another or with those who are not")
    func users() throws {
        let keys = try [nil, "alice", "bob", "alic", "Alice", ""].map {
            try key("example.net", host: "example.net", user: $0)
        }
        #expect(!keys.contains(nil) && Set(keys).count == keys.count)
    }

    @Test("No name, port and path run into others, nor a user into a name")
    func boundaries() throws {
        let keys = try [
            key("a.b", host: "a.b", path: "/c"), key("a", host: "a", path: "/.b/c"),
            key("a.b", 8, host: "a.b:8", path: "/0/c"),
            key("a.b", 80, host: "a.b", path: "/0/c"), key("b", host: "b", path: "/c", user: "a."),
            key("b", host: "b", path: "/c", user: "a"),
        ]
        #expect(!keys.contains(nil) && Set(keys).count == keys.count)
    }

    @Test("People are shown host, port and path, and the user behind them; others no user")
    func text() throws {
        let plain = try #require(try key("Example.net", host: "example.net", path: "/a?b"))
        #expect(plain.text == "example.net:80/a?b" && words(plain.shown) == "example.net:80/a?b")
        let users = try #require(try key("example.net", 81, host: "example.net:81", path: "/a", user: "alice"))
        #expect(users.text == "example.net:81/a (alice)" && words(users.shown) == "example.net:81/a")
    }
}
