import SSCommon
import Testing

@Suite("Writing ss:// links")
struct ServerLinkWritingTests {
    private static let key = "YctPZ6U7xPPcU+gp3u+0tx/tRizJN9K8y+uKlW2qjlI="

    /// SIP002's examples that have one spelling, and what they say.
    private static let published: [(String, ServerLink)] = [
        (
            "ss://YWVzLTEyOC1nY206dGVzdA@192.168.100.1:8888#Example1",
            ServerLink(method: "aes-128-gcm", password: "test", host: "192.168.100.1", port: 8888, name: "Example1")
        ),
        (
            "ss://cmM0LW1kNTpwYXNzd2Q@192.168.100.1:8888/?plugin=obfs-local%3Bobfs%3Dhttp#Example2",
            ServerLink(
                method: "rc4-md5", password: "passwd", host: "192.168.100.1", port: 8888, name: "Example2",
                plugin: ServerLink.Plugin(name: "obfs-local", options: "obfs=http"))
        ),
        (
            "ss://2022-blake3-aes-256-gcm:YctPZ6U7xPPcU%2Bgp3u%2B0tx%2FtRizJN9K8y%2BuKlW2qjlI%3D@192.168.100.1:8888#Example3",
            ServerLink(
                method: "2022-blake3-aes-256-gcm", password: key, host: "192.168.100.1", port: 8888, name: "Example3")
        ),
    ]

    @Test("The examples of SIP002 are read and written as they stand", arguments: published)
    func examples(text: String, link: ServerLink) throws {
        #expect(try ServerLink(text) == link)
        #expect(link.text == text)
    }

    @Test("Unknown arguments are passed over, and a plus is a plus")
    func unknownArguments() throws {
        let link = try ServerLink(
            "ss://YmYtY2ZiOnRlc3Q@192.168.100.1:8888/"
                + "?plugin=url-encoded-plugin-argument-value&unsupported-arguments=should-be-ignored#Dummy+profile+name"
        )
        #expect(link.method == "bf-cfb" && link.password == "test")
        #expect(link.plugin == ServerLink.Plugin(name: "url-encoded-plugin-argument-value"))
        #expect(link.name == "Dummy+profile+name")
        #expect(
            link.text
                == "ss://YmYtY2ZiOnRlc3Q@192.168.100.1:8888/?plugin=url-encoded-plugin-argument-value#Dummy%2Bprofile%2Bname"
        )
    }

    /// Everything that has to be escaped somewhere.
    private static let awkward: [ServerLink] = [
        ServerLink(method: "aes-256-gcm", password: "a@b:c/d?e#f%41 +ü", host: "2001:db8::1", port: 1),
        ServerLink(method: "aes-256-gcm", password: "\u{301}x", host: "bücher.example", port: 65535, name: "中 #%&"),
        ServerLink(method: "2022-blake3-aes-128-gcm", password: "a+/=:b+/==", host: "h", port: 8388, name: "a/b?c"),
        ServerLink(
            method: "chacha20-ietf-poly1305", password: "p", host: "h.example", port: 443, name: "o",
            plugin: ServerLink.Plugin(name: "v2ray", options: #"path=/a\;b;host=x&y#z"#),
            prefix: "\u{16}\u{3}\u{1}\u{0}\u{a8}\u{1}"),
        // U+0600 makes one character of itself and the colon behind it.
        ServerLink(method: "aes-128-gcm", password: "\u{600}", host: "pi\u{600}", port: 8388, name: "\u{600}"),
        ServerLink(method: "unknown", password: "p", host: "192.0.2.1", port: 8388),
    ]

    @Test("What is written is read again as the same, and written again as the same", arguments: awkward)
    func roundTrip(link: ServerLink) throws {
        let text = link.text
        #expect(text.utf8.allSatisfy { (0x21...0x7e).contains($0) })
        let again = try ServerLink(text)
        #expect(again == link)
        #expect(again.text == text)
        guard let older = link.olderText else {
            #expect(link.plugin != nil || link.prefix != nil)
            return
        }
        #expect(try ServerLink(older) == link)
    }

    @Test("Every spelling of one server is written in one way")
    func canonical() throws {
        let plain = "aes-256-gcm:pässword@[2001:DB8:0::1]:8388"
        let user = Array("aes-256-gcm:pässword".utf8)
        let spellings = [
            "ss://aes-256-gcm:p%C3%A4ssword@[2001:db8::1]", "SS://\(Base64.encode(user))@[2001:db8::1]:8388/",
            "ss://\(Base64.encodeURLSafe(user))@[2001:db8:0:0::1]:8388/?plugin=&x#", " ss://\(plain) \n",
            "ss://\(Base64.encode(Array(plain.utf8)))",
            "ss://\(Base64.encode(user).replacing("=", with: "%3D"))@[2001:db8::1]",
        ]
        for spelling in spellings {
            #expect(
                try ServerLink(spelling).text == "ss://\(Base64.encodeURLSafe(user))@[2001:db8::1]:8388", "\(spelling)")
        }
    }

    @Test("Of the keys of a user, colons stand and everything else of Base64 is escaped")
    func keysOfAUser() throws {
        let link = ServerLink(
            method: "2022-blake3-aes-128-gcm", password: "8JCsPssfgS8tiRwiMlhARg==:PCD2Z4o12bKUoFa3cC97Hw==",
            host: "vps.example", port: 443, name: "alice")
        #expect(
            link.text
                == "ss://2022-blake3-aes-128-gcm:8JCsPssfgS8tiRwiMlhARg%3D%3D:PCD2Z4o12bKUoFa3cC97Hw%3D%3D@vps.example:443#alice"
        )
        #expect(try ServerLink(link.text) == link)
    }

    @Test("Base64 that ends in a slash is whole")
    func slashAtTheEnd() throws {
        // The last six bits are all ones.
        let codes = ["p", "pp", "ppp"].map { Base64.encode(Array("aes-256-gcm:\($0)@hÿ".utf8)) }
        let code = try #require(codes.first { $0.hasSuffix("/") })
        for text in ["ss://\(code)", "ss://\(code)/", "ss://\(code)/?x=1#n"] {
            #expect(try ServerLink(text).host == "hÿ")
        }
    }

    @Test("Control characters are no part of a name")
    func controlCharacters() throws {
        #expect(try ServerLink("ss://aes-256-gcm:p@h:1#a%1b%5B2J%00%0Ab").name == "a[2Jb")
        #expect(try ServerLink("ss://aes-256-gcm:p@h:1#%00").name == nil)
        #expect(try ServerLink("ss://aes-256-gcm:p@h:1#100%").name == "100%")
    }

    @Test(
        "What is wrong is said, and nothing of the link",
        arguments: [
            ("ss://:secretpw@h:1", "no method"), ("ss://m:@h:1", "no key"), ("ss://m:a%00secretpw@h:1", "NUL"),
            ("ss://m:secretpw@2001:db8::1:8388", "brackets"), ("ss://m:secretpw@[::g]:1", "no name and no address"),
            ("ss://m:secretpw@h secretpw:1", "no name and no address"), ("ss://m:secretpw@1.2.3.4.5", "no name and"),
            ("ss://m:secretpw@h:1?plugin=%ff", "not percent-encoded"), ("ss://m:secretpw@h:1?plugin=%3Bx", "no name"),
            ("ss://m:secretpw@h:1?prefix=%E4%B8%AD", "no byte"), ("ss://secretpw", "no Base64"),
            ("ssconf://secretpw/x", "list of servers"), ("ss://m:secretpw@h:99999", "port"),
            ("ss://" + String(repeating: "secretpw", count: 1100) + "@h", "longer"), ("vmess://secretpw", "ss://"),
        ])
    func faults(text: String, words: String) {
        do {
            _ = try ServerLink(text)
            Issue.record("accepted")
        } catch {
            #expect("\(error)".contains(words), "\(error)")
            #expect(!"\(error)".contains("secretpw"))
        }
    }

    @Test("No beginning of a link is a trap")
    func beginnings() {
        for link in Self.awkward {
            for text in [link.text, link.olderText ?? ""] {
                for count in 0...text.utf8.count {
                    let part = String(decoding: text.utf8.prefix(count), as: UTF8.self)
                    if let read = try? ServerLink(part) { #expect(read.text.hasPrefix("ss://") && read.port > 0) }
                }
            }
        }
    }

    @Test(
        "A link that cannot be used says why, without the key",
        arguments: [
            ("ss://rc4-md5:secretpw@h:1", "refused"), ("ss://secretmethod:secretpw@h:1", "unknown"),
            ("ss://2022-blake3-chacha8-poly1305:secretpw@h:1", "not in this version"),
            ("ss://aes-256-gcm:secretpw@h:1?plugin=obfs", "plugin"), ("ss://aes-256-gcm:secretpw@0.0.0.0:1", "every"),
            ("ss://aes-256-gcm:secretpw@[::]:1", "every"), ("ss://aes-256-gcm:secretpw@[::ffff:0.0.0.0]:1", "every"),
            ("ss://2022-blake3-aes-256-gcm:secretpw@h:1", "key"),
        ])
    func unusable(text: String, words: String) throws {
        let link = try ServerLink(text)
        do {
            _ = try link.endpoint()
            Issue.record("usable")
        } catch {
            #expect("\(error)".contains(words), "\(error)")
            #expect(!"\(error)".contains("secretpw") && !"\(error)".contains("secretmethod"))
        }
    }

    @Test("A link that can be used is a server")
    func usable() throws {
        let endpoint = try ServerLink("ss://AES-256-GCM:pw@vps.example:444?prefix=%16#n").endpoint()
        #expect(endpoint.address.description == "vps.example:444")
        #expect(endpoint.method == .aes256GCM && endpoint.password == .text("pw") && endpoint.name == "n")
    }
}
