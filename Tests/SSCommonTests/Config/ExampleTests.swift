import SSCommon
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// `config.example.json` is the manual: it must be whole, right, and refused only for its key.
struct ExampleTests {
    static let bytes: [UInt8] = {
        // Tests/SSCommonTests/Config/ExampleTests.swift is four levels below the example.
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        guard let file = fopen(root + "/config.example.json", "r") else { return [] }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        return bytes
    }()

    static let text = String(decoding: bytes, as: UTF8.self)

    /// The example with the keys that are commented out put back.
    static let everything: String = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
        let indent = line.prefix { $0 == " " }
        let rest = line.dropFirst(indent.count)
        let isKey = ["// \"", "// }", "// ]", "//   "].contains { rest.hasPrefix($0) } && !indent.isEmpty
        return isKey ? String(indent + rest.dropFirst(3)) : String(line)
    }.joined(separator: "\n")

    @Test("the example is refused for its key, with the fix, and for nothing else")
    func placeholder() {
        for diagnostics in [
            ServerConfiguration.load((Self.bytes, "e")).diagnostics,
            LocalConfiguration.load((Self.bytes, "e")).diagnostics,
        ] {
            #expect(diagnostics.map(\.code) == [.exampleKey])
            #expect(diagnostics.first?.help == "make your own with: ssserver genkey METHOD")
        }
    }

    @Test("with a key of one's own the example loads on both ends without a word")
    func loads() throws {
        let own = Self.text.split(separator: PasswordStrength.examplePlaceholder).joined(separator: Reading.key2022)
        let server = Reading.server(own)
        #expect(server.diagnostics.isEmpty)
        let local = Reading.local(own)
        #expect(local.diagnostics.isEmpty)
        #expect(try #require(server.configuration).listeners == (try #require(local.configuration).servers))
    }

    @Test("the values in the example are the defaults they are said to be")
    func defaults() throws {
        let own = Self.text.split(separator: PasswordStrength.examplePlaceholder).joined(separator: Reading.key2022)
        let least = """
            { "server": "127.0.0.1", "server_port": 8388, "method": "2022-blake3-aes-256-gcm", "password": "\(Reading.key2022)",
              "name": "example" }
            """
        #expect(try #require(Reading.server(own).configuration) == #require(Reading.server(least).configuration))
        #expect(try #require(Reading.local(own).configuration) == #require(Reading.local(least).configuration))
    }

    @Test("every key of ours is in the example, and nothing else is")
    func complete() throws {
        let document = JSONDocument(Array(Self.everything.utf8), path: "e")
        #expect(document.faults.isEmpty)
        var shown: Set<String> = []
        Self.collect(try #require(document.root), in: .top, into: &shown)
        var known: Set<String> = []
        for section in SchemaSection.allCases {
            for key in Schema.keys(of: section) where key.isOurs { known.insert("\(section.rawValue).\(key.name)") }
        }
        // An entry of servers takes the keys of the top level; the example shows each once, at the top.
        let entry = Schema.keys(of: .serverEntry).map { "\(SchemaSection.serverEntry.rawValue).\($0.name)" }
        #expect(known.subtracting(shown).subtracting(entry).sorted() == [])
        #expect(shown.subtracting(known).sorted() == [])
    }

    private static func collect(_ value: JSONValue, in section: SchemaSection, into keys: inout Set<String>) {
        guard case .object(let members) = value.kind else { return }
        for member in members {
            guard let key = Schema.key(member.key, in: section), key.isOurs else {
                keys.insert("\(section.rawValue).\(member.key)")
                continue
            }
            keys.insert("\(section.rawValue).\(key.name)")
            switch key.type {
            case .section(let inner): collect(member.value, in: inner, into: &keys)
            case .list(.section(let inner)):
                guard case .array(let values) = member.value.kind else { continue }
                for value in values { collect(value, in: inner, into: &keys) }
            default: continue
            }
        }
    }

    @Test("the example cut at any byte is reported and never traps")
    func truncated() {
        // Every byte of what is not comment, and the whole with its comments in coarser steps.
        let bare = Self.text.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("//") }
        let short = Array(bare.joined(separator: "\n").utf8)
        for length in 0..<short.count { check(Array(short[..<length]), isComplete: false) }
        for length in stride(from: 0, to: Self.bytes.count, by: 23) {
            check(Array(Self.bytes[..<length]), isComplete: length >= Self.bytes.count - 1)
        }
    }

    private func check(_ bytes: [UInt8], isComplete: Bool) {
        #expect(JSONDocument(bytes, path: "e").faults.isEmpty == isComplete)
        guard bytes.count % 97 == 0 else { return }
        let loaded = ServerConfiguration.load((bytes, "e"))
        #expect(loaded.configuration == nil)
        #expect(!Reading.renderer.render(loaded.diagnostics).isEmpty)
    }
}

/// Bytes nobody wrote on purpose.
struct ConfigurationRobustnessTests {
    /// SplitMix64: the same bytes in every run.
    struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
            return z ^ z >> 31
        }
    }

    static let pieces = [
        "{", "}", "[", "]", ",", ":", "\"", "'", "\\", "\\u", "//", "/*", "*/", "\n", "\r", "null", "true", "1e9", "0x",
        "-",
        "\"server\"", "\"servers\":[{", "\"password\":", "\"users\":[{", "\"locals\":[{", "\"port_password\":{",
        "\u{0}",
        "\u{202e}", "漢", "\t", "\"999999999999999999999\"", "\"egress\":{", "\"log\":{", "::1", "\"[::1]:\"",
    ]

    static func mutated(_ bytes: [UInt8], using generator: inout Generator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let place = Int.random(in: 0...bytes.count, using: &generator)
            let end = min(bytes.count, place + Int.random(in: 0...40, using: &generator))
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes.removeSubrange(place..<end)
            case 1: bytes.insert(contentsOf: pieces.randomElement(using: &generator)!.utf8, at: place)
            case 2: bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &generator))
            default: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &generator) }
            }
        }
        return bytes
    }

    @Test(
        "damaged configurations are loaded or explained, and the explanation is sound",
        arguments: 0..<4 as Range<UInt64>)
    func damaged(seed: UInt64) {
        var generator = Generator(state: seed)
        let samples = [
            DropInTests.debian, DropInTests.libev, DropInTests.manyPorts, DropInTests.python, DropInTests.rust,
        ]
        for round in 0..<150 {
            let bytes = Self.mutated(Array(samples[round % samples.count].utf8), using: &generator)
            let server = ServerConfiguration.load((bytes, "s.json"))
            let local = LocalConfiguration.load((bytes, "l.json"))
            #expect((server.configuration == nil) == server.diagnostics.hasErrors)
            #expect((local.configuration == nil) == local.diagnostics.hasErrors)
            for diagnostic in server.diagnostics + local.diagnostics {
                #expect((diagnostic.line ?? 1) >= 1 && (diagnostic.column ?? 1) >= 1)
                for line in Reading.renderer.render(diagnostic).split(separator: "\n") {
                    #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
                }
            }
        }
    }

    @Test("random bytes are refused with a place")
    func noise() {
        var generator = Generator(state: 7)
        for length in 0..<400 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(ServerConfiguration.load((bytes, "s")).configuration == nil)
        }
    }

    @Test("hundred thousand brackets and megabyte lines are refused in bounded space")
    func extremes() {
        for piece in ["[", "{\"a\":", "{\"server\":["] {
            let loaded = Reading.server(String(repeating: piece, count: 100_000))
            #expect(loaded.diagnostics.map(\.code) == [.nestedTooDeep])
            #expect(Reading.renderer.render(loaded.diagnostics).utf8.count < 1_000)
        }
        let text = String(repeating: "x", count: 1 << 20)
        for file in [
            "{\"\(text)\": 1}", "{\"server\": \"\(text)\"}", "// \(text)", "\(text)",
            "{ /* \(text) */ \"server_port\": 0 }",
        ] {
            let rendered = Reading.renderer.render(Reading.server(file).diagnostics)
            #expect(!rendered.isEmpty && rendered.utf8.count < 4_000)
        }
    }
}
