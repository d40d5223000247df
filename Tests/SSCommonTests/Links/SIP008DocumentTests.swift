import SSCommon
import Testing

@Suite("SIP008 documents")
struct SIP008DocumentTests {
    /// The example of SIP008, with methods of today.
    private static let example = """
        {
          "version": 1,
          "servers": [
            {
              "id": "27b8a625-4f4b-4428-9f0f-8a2317db7c79",
              "remarks": "Name of the server",
              "server": "example.com",
              "server_port": 8388,
              "password": "example",
              "method": "chacha20-ietf-poly1305",
              "plugin": "xxx",
              "plugin_opts": "xxxxx"
            },
            {
              "id": "7842c068-c667-41f2-8f7d-04feece3cb67",
              "remarks": "Name of the server",
              "server": "2001:db8::1",
              "server_port": "8388",
              "password": "\(Reading.key2022)",
              "method": "2022-blake3-aes-256-gcm",
              "plugin": "", "plugin_opts": null, "own_field": { "a": [1] }
            }
          ],
          "bytes_used": 274877906944, "bytes_remaining": 824633720832, "username": "x"
        }
        """

    private func read(_ text: String) -> SIP008Document { SIP008Document(Array(text.utf8), path: "s.json") }

    @Test("The example is read whole")
    func whole() {
        let document = read(Self.example)
        #expect(document.diagnostics.isEmpty)
        #expect(
            document.servers == [
                ServerLink(
                    method: "chacha20-ietf-poly1305", password: "example", host: "example.com", port: 8388,
                    name: "Name of the server", plugin: ServerLink.Plugin(name: "xxx", options: "xxxxx"),
                    id: "27b8a625-4f4b-4428-9f0f-8a2317db7c79"),
                ServerLink(
                    method: "2022-blake3-aes-256-gcm", password: Reading.key2022, host: "2001:db8::1", port: 8388,
                    name: "Name of the server", id: "7842c068-c667-41f2-8f7d-04feece3cb67"),
            ])
        #expect(document.bytesUsed == 274_877_906_944 && document.bytesRemaining == 824_633_720_832)
    }

    @Test("What is written is read again as the same")
    func roundTrip() {
        let document = read(Self.example)
        let again = read(document.text)
        #expect(again.diagnostics.isEmpty && again.servers == document.servers)
        #expect(again.bytesUsed == document.bytesUsed && again.bytesRemaining == document.bytesRemaining)
        #expect(again.text == document.text)
        #expect(SIP008Document([]).text == "{\n  \"version\": 1,\n  \"servers\": []\n}\n")
    }

    @Test("A server without an identity gets one that stays, and that the key has no part in")
    func identity() {
        let first = ServerLink(method: "aes-256-gcm", password: "one", host: "h", port: 1, name: "n")
        var second = first
        second.password = "two"
        var third = first
        third.port = 2
        let ids = [first, second, third].map { read(SIP008Document([$0]).text).servers.first?.id ?? "" }
        #expect(ids[0] == ids[1] && ids[0] != ids[2])
        #expect(
            ids[0].wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil,
            "\(ids)")
    }

    private static func entry(_ fields: String) -> String {
        """
        {"version": 1, "servers": [
          {"server": "a.example", "server_port": 1, "method": "aes-256-gcm", "password": "p"},
          {\(fields)},
          {"server": "b.example", "server_port": 2, "method": "aes-256-gcm", "password": "p"}
        ]}
        """
    }

    @Test(
        "A bad entry is named with its place and spoils no other",
        arguments: [
            (#""server_port": 1, "method": "aes-256-gcm", "password": "secretpw""#, DiagnosticCode.missingKey, 3),
            (#""server": "h", "method": "aes-256-gcm", "password": "secretpw""#, .missingKey, 3),
            (#""server": "h", "server_port": 1, "password": "secretpw""#, .missingKey, 3),
            (#""server": "h", "server_port": 1, "method": "aes-256-gcm""#, .missingKey, 3),
            (#""server": "0.0.0.0", "server_port": 1, "method": "aes-256-gcm", "password": "secretpw""#, .badHost, 14),
            (#""server": "::", "server_port": 1, "method": "aes-256-gcm", "password": "secretpw""#, .badHost, 14),
            (#""server": "h:1", "server_port": 1, "method": "aes-256-gcm", "password": "secretpw""#, .badHost, 14),
            (#""server": "a b", "server_port": 1, "method": "aes-256-gcm", "password": "secretpw""#, .badHost, 14),
            (#""server": 5, "server_port": 1, "method": "aes-256-gcm", "password": "secretpw""#, .wrongType, 14),
            (#""server_port": 0, "server": "h", "method": "aes-256-gcm", "password": "secretpw""#, .badPort, 19),
            (#""server_port": 65536, "server": "h", "method": "aes-256-gcm", "password": "secretpw""#, .badPort, 19),
            (#""server_port": "x", "server": "h", "method": "aes-256-gcm", "password": "secretpw""#, .badPort, 19),
            (#""server_port": 1e3, "server": "h", "method": "aes-256-gcm", "password": "secretpw""#, .badPort, 19),
            (#""method": "rc4-md5", "server": "h", "server_port": 1, "password": "secretpw""#, .insecureMethod, 14),
            (#""method": "aes-256-gmc", "server": "h", "server_port": 1, "password": "secretpw""#, .unknownMethod, 14),
            (
                #""method": "2022-blake3-chacha8-poly1305", "server": "h", "server_port": 1, "password": "secretpw""#,
                .unsupportedMethod, 14
            ),
            (
                #""password": "secretpw", "server": "h", "server_port": 1, "method": "2022-blake3-aes-256-gcm""#,
                .badKey, 16
            ),
            (#""password": "", "server": "h", "server_port": 1, "method": "aes-256-gcm""#, .badValue, 16),
            (#""password": 5, "server": "h", "server_port": 1, "method": "aes-256-gcm""#, .wrongType, 16),
            (
                #""plugin": 5, "server": "h", "server_port": 1, "method": "aes-256-gcm", "password": "secretpw""#,
                .wrongType, 14
            ),
        ] as [(String, DiagnosticCode, Int)])
    func badEntry(fields: String, code: DiagnosticCode, column: Int) throws {
        let document = read(Self.entry(fields))
        #expect(document.servers.map(\.host) == ["a.example", "b.example"])
        let fault = try #require(document.diagnostics.first)
        #expect(document.diagnostics.count == 1, "\(document.diagnostics)")
        #expect(fault.code == code && fault.line == 3 && fault.column == column, "\(fault)")
        let said = Reading.renderer.render(document.diagnostics) + fault.jsonLine
        #expect(!said.contains("secretpw"), "\(said)")
    }

    @Test(
        "A document that is none is refused with a place",
        arguments: [
            ("", DiagnosticCode.notAnObject), ("[]", .notAnObject), ("{", .syntax), ("{}", .missingKey),
            ("\u{0}", .badText),
            (#"{"version": 1, "servers": {}}"#, .wrongType), (#"{"version": 1}"#, .missingKey),
            (#"{"version": 2, "servers": []}"#, .unknownChoice), (#"{"version": "1", "servers": []}"#, .unknownChoice),
            (#"{"version": 1, "servers": [5]}"#, .wrongType),
            (#"{"version": 1, "version": 1, "servers": []}"#, .repeatedKey),
        ] as [(String, DiagnosticCode)])
    func refused(text: String, code: DiagnosticCode) {
        let document = read(text)
        #expect(document.servers.isEmpty)
        #expect(document.diagnostics.contains { $0.code == code && $0.line != nil }, "\(document.diagnostics)")
    }

    @Test("A document that does not say its version is taken, with a word")
    func noVersion() {
        let document = read(
            #"{"servers": [{"server": "h", "server_port": 1, "method": "aes-256-gcm", "password": "p"}]}"#)
        #expect(document.servers.count == 1)
        #expect(document.diagnostics.map(\.code) == [.doubtful])
    }

    @Test("No beginning of a document is a trap, and none shows its passwords")
    func beginnings() {
        let bytes = Array(Self.example.utf8)
        for count in 0..<bytes.count {
            let document = SIP008Document(Array(bytes[..<count]), path: "s.json")
            #expect(document.servers.isEmpty && !document.diagnostics.isEmpty)
            #expect(!Reading.renderer.render(document.diagnostics).contains(Reading.key2022))
        }
    }

    @Test("More than 4096 servers are not read, and a document of more than 8 MiB not at all")
    func bounds() {
        let one = #"{"server": "h", "server_port": 1, "method": "aes-256-gcm", "password": "p"}"#
        let many = "{\"version\": 1, \"servers\": [" + String(repeating: one + ",", count: 4097) + "]}"
        let document = read(many)
        #expect(document.servers.count == 4096)
        #expect(document.diagnostics.map(\.code) == [.outOfRange])
        let bad = "{\"version\": 1, \"servers\": [" + String(repeating: "5,", count: 4096) + "]}"
        #expect(read(bad).diagnostics.count == 201)
        let large = SIP008Document([UInt8](repeating: 0x20, count: SIP008Document.sizeLimit + 1), path: "s.json")
        #expect(large.diagnostics.map(\.code) == [.fileTooLarge])
        // Between the bound of a configuration and that of a document.
        let padded = "{\"version\": 1, \"servers\": [\(one)]}" + String(repeating: " ", count: 5 << 20)
        #expect(read(padded).servers.count == 1)
    }
}

@Suite("Lists of servers")
struct ServerListTests {
    private func read(_ text: String) -> ServerList { ServerList(Array(text.utf8), path: "standard input") }

    @Test("A link, links one a line, or a document are told apart")
    func kinds() {
        #expect(read("ss://aes-256-gcm:p@a:1").servers.map(\.host) == ["a"])
        let lines = "\u{feff}# my servers\r\n\r\n  ss://aes-256-gcm:p@a:1  \r\nss://aes-256-gcm:p@b:1\n"
        #expect(read(lines).servers.map(\.host) == ["a", "b"])
        #expect(read(lines).diagnostics.isEmpty)
        let document = SIP008Document(read(lines).servers).text
        #expect(read("\n" + document).servers.map(\.host) == ["a", "b"])
        #expect(read("// a comment\n" + document).servers.count == 2)
        for nothing in ["", "\n", "# nothing", "\u{feff}"] {
            #expect(read(nothing).servers.isEmpty && read(nothing).diagnostics.isEmpty)
        }
    }

    @Test("A bad line is named with its place, spoils no other and is not shown")
    func badLines() throws {
        let list = read(
            "ss://aes-256-gcm:p@a:1\n  ss://aes-256-gcm:secretpw@b:x\nsecretpw@host\nss://aes-256-gcm:p@c:1")
        #expect(list.servers.map(\.host) == ["a", "c"])
        #expect(list.diagnostics.map(\.line) == [2, 3])
        #expect(list.diagnostics.map(\.column) == [3, 1])
        let said = Reading.renderer.render(list.diagnostics) + list.diagnostics.map(\.jsonLine).joined()
        #expect(!said.contains("secret") && !said.contains("host\""), "\(said)")
    }

    @Test("No more than 4096 links are read, and bytes that are no text are no trap")
    func bounds() {
        let list = read(String(repeating: "ss://aes-256-gcm:p@a:1\n", count: 5000))
        #expect(list.servers.count == 4096)
        #expect(list.diagnostics.map(\.code) == [.outOfRange])
        #expect(ServerList([0xff, 0xfe, 0x0a, 0x80], path: "x").diagnostics.count == 2)
        #expect(read(String(repeating: "x\n", count: 5000)).diagnostics.count == 201)
    }
}
