import SSCommon
import Testing

@Suite("Configurations that init makes")
struct FreshConfigurationTests {
    @Test("The server's passes the check without a word and says what was decided", arguments: CipherMethod.allCases)
    func server(method: CipherMethod) throws {
        let password = Base64.encode(Sodium.random(method.keyLength))
        for (name, host) in [(nil, nil), ("a \"b\" \\ 中", "vps.example:443"), ("x", "2001:db8::1")]
            as [(String?, String?)]
        {
            let text = FreshConfiguration.server(
                listeningOn: .v6(IPv6Address(high: 0, low: 0)), port: 8389, method: method, password: password,
                name: name,
                publicHost: try host.map { try HostPort($0) })
            let loaded = Reading.server(text)
            #expect(loaded.diagnostics.isEmpty, "\(Reading.renderer.render(loaded.diagnostics))")
            let configuration = try #require(loaded.configuration)
            let listener = try #require(configuration.listeners.first)
            #expect(listener.address.description == "[::]:8389" && listener.method == method && listener.name == name)
            #expect(listener.password == .text(password) && listener.users.isEmpty)
            #expect(configuration.publicHost == (try host.map { try HostPort($0) }))
        }
    }

    @Test("What stands there as a comment works as well")
    func comments() throws {
        let text = FreshConfiguration.server(
            listeningOn: .v4(IPv4Address(0)), port: 1, method: .blake3AES256GCM, password: Reading.key2022, name: nil,
            publicHost: nil)
        let uncommented = text.split(separator: "\n").map { line -> String in
            line.hasPrefix("  // \"") || line.hasPrefix("  //   {") || line.hasPrefix("  // ]")
                ? String(line.replacing("// ", with: "", maxReplacements: 1)) : String(line)
        }.joined(separator: "\n").replacing(/HER KEY[^"]*/, with: Base64.encode([UInt8](1...32)))
        let configuration = try #require(Reading.server(uncommented).configuration)
        #expect(configuration.listeners.first?.users.map(\.name) == ["alice"])
        #expect(configuration.publicHost?.description == "vps.example.com")
        #expect(configuration.listeners.first?.name == "vps")
    }

    @Test("The laptop's passes the check, with one server and with several")
    func local() throws {
        let links = [
            ServerLink(
                method: "2022-blake3-aes-256-gcm", password: Reading.key2022, host: "2001:db8::1", port: 443,
                name: "\"\\\u{2028}"),
            ServerLink(
                method: "aes-256-gcm", password: "\u{301}\"\\\u{85}" + Reading.key, host: "vps.example", port: 1),
        ]
        for servers in [Array(links.prefix(1)), links] {
            let loaded = Reading.local(FreshConfiguration.local(servers, port: 1081))
            #expect(loaded.diagnostics.isEmpty, "\(Reading.renderer.render(loaded.diagnostics))")
            let configuration = try #require(loaded.configuration)
            #expect(configuration.servers == (try servers.map { try $0.endpoint() }))
            #expect(configuration.locals.map(\.address.description) == ["127.0.0.1:1081"])
        }
    }

    @Test(
        "A key that can be guessed is refused with the reason, and not repeated",
        arguments: [
            ("barfoo!", CipherMethod.aes256GCM, "manuals"), ("secretpw", .aes256GCM, "8 of at least 16"),
            ("secretpwsecretpwsecretpw", .aes256GCM, "bits"),
            (PasswordStrength.examplePlaceholder, .aes256GCM, "example"),
            ("${SECRETPW_SECRETPW_SECRETPW}", .aes256GCM, "variable"),
            ("secretpw", .blake3AES256GCM, "32 random bytes"), ("secret+pw!", .blake3AES256GCM, "base64"),
            ("YctPZ6U7xPPcU+gp3u+0tx/tRizJN9K8y+uKlW2qjlI=", .blake3AES256GCM, "manuals"),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", .blake3AES256GCM, "not random"),
            ("\(Reading.key2022):\(Reading.key2022)", .blake3AES256GCM, "more than one"),
            ("\(Reading.key2022):\(Reading.key2022)", .blake3ChaCha20Poly1305, "takes one key"),
        ] as [(String, CipherMethod, String)])
    func refusedKeys(key: String, method: CipherMethod, words: String) throws {
        let reason = try #require(PasswordStrength.refusal(of: key, for: method))
        #expect(reason.contains(words), "\(reason)")
        #expect(!reason.contains(key))
    }

    @Test("Random keys pass", arguments: CipherMethod.allCases)
    func goodKeys(method: CipherMethod) {
        for _ in 0..<20 {
            #expect(PasswordStrength.refusal(of: Base64.encode(Sodium.random(method.keyLength)), for: method) == nil)
        }
    }
}
