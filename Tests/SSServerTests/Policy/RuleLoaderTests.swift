import Foundation
import SSCommon
import SSNetwork
import SSServerCore
import Testing

@testable import ssserver

@Suite("Rules out of files, of the configuration and of commands")
struct RuleLoaderTests {
    private func refusal(_ set: RuleSet, _ name: String, user: String? = nil) throws -> DecidingRule? {
        var blacklist = Blacklist()
        blacklist.lists = set
        var permission = Permission()
        return blacklist.refusal(of: try #require(DomainName(name)), port: 443, for: user, &permission)
    }

    @Test("Relative paths start in the state directory; an ACL file may be one of the current directory")
    func paths() throws {
        #expect(RuleFile("lists/a", below: "/state").path == "/state/lists/a")
        #expect(RuleFile("/lists/a", below: "/state").path == "/lists/a")
        #expect(RuleFile("lists/a", below: nil).path == "lists/a")
        let scratch = Scratch()
        try Data("x".utf8).write(to: URL(fileURLWithPath: "\(scratch.directory)/a.acl"))
        let directory = scratch.directory
        #expect(RuleFile(acl: "a.acl", below: directory).path == "\(directory)/a.acl")
        #expect(RuleFile(acl: "b.acl", below: directory).path == "b.acl")
        #expect(RuleFile(acl: "b.acl", below: directory).shown == "b.acl")
    }

    @Test("Rules say where they stand: file and line, configuration and line, command and number")
    func places() throws {
        let scratch = Scratch()
        let list = "\(scratch.directory)/list"
        try Data("# one\n||a.example^\n\n||b.example^\n".utf8).write(to: URL(fileURLWithPath: list))
        let loaded = try RuleLoader.load([RuleFile(list, below: nil)])
        #expect(try refusal(loaded.rules, "x.b.example")?.place == "\(list):4")
        var settings = BlacklistConfiguration()
        settings.rules = [
            ConfiguredRule("||late.example^", source: "server.json", line: 30),
            ConfiguredRule("||early.example^", source: "server.json", line: 7),
        ]
        settings.clients = [ConfiguredRule("client:192.0.2.0/24", source: "server.json", line: 31)]
        let own = try RuleLoader.own(
            settings,
            commands: [
                CommandRule(StoredRule(text: "||c.example^", user: nil, added: 0)),
                CommandRule(StoredRule(text: "no rule any more", user: nil, added: 0)),
                CommandRule(StoredRule(text: "||d.example^", user: "alice", added: 0)),
            ])
        #expect(try refusal(own, "late.example")?.place == "server.json:30")
        #expect(try refusal(own, "early.example")?.place == "server.json:7")
        #expect(try refusal(own, "c.example")?.place == "commands:1")
        #expect(try refusal(own, "d.example") == nil)
        #expect(try refusal(own, "d.example", user: "alice")?.place == "commands:3")
        var blacklist = Blacklist()
        blacklist.own = own
        #expect(blacklist.refusal(client: IPAddress("192.0.2.1"), user: nil)?.place == "server.json:31")
    }

    @Test("One line in a hundred rules may be bad; of a short list none")
    func bad() throws {
        let scratch = Scratch()
        func load(_ lines: [String]) throws -> LoadedRules {
            let path = "\(scratch.directory)/list-\(lines.count)"
            try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: path))
            return try RuleLoader.load([RuleFile(path, below: nil)])
        }
        let many = (0..<200).map { "||h\($0).example^" }
        let mixed = try load(many + ["x y", "##.banner"])
        #expect(mixed.files.first?.report.unused?.contains("line 201") == true)
        #expect(mixed.files.first?.report.unused?.contains("hides parts of pages") == true)
        #expect(throws: RuleFault.self) { try load(many + ["x y", "y z", "z x"]) }
        #expect(throws: RuleFault.self) { try load(["||a.example^", "x y", "||b.example^"]) }
        #expect(throws: RuleFault.self) { try RuleLoader.load([RuleFile("/dev/null", below: nil)]) }
    }

    @Test("What commands have made is there when the file is opened again; the same twice is one")
    func store() throws {
        let scratch = Scratch()
        let path = "\(scratch.directory)/blacklist.sqlite"
        let hostile = StoredRule(text: "'; DROP TABLE rule; --", user: "日本", added: 7)
        do {
            let store = try RuleStore(path: path)
            try store.add([StoredRule(text: "||a.example^", user: nil, added: 5), hostile])
            try store.add([StoredRule(text: "||a.example^", user: nil, added: 9)])
            try store.add([StoredRule(text: "||b.example^", user: nil, added: 9)])
            try store.remove([StoredRule(text: "||b.example^", user: nil, added: 0)])
        }
        #expect(try RuleStore(path: path).load() == [StoredRule(text: "||a.example^", user: nil, added: 5), hostile])
        #expect(scratch.mode(path) == 0o600)
    }
}
