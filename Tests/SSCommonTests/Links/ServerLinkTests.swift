import Testing

@testable import SSCommon

@Suite("ss:// links")
struct ServerLinkTests {
    @Test("The examples of SIP002, and the older form")
    func examples() throws {
        var link = try ServerLink("ss://YWVzLTEyOC1nY206dGVzdA@192.168.100.1:8888#Example1")
        #expect(link.method == "aes-128-gcm")
        #expect(link.password == "test")
        #expect(link.host == "192.168.100.1")
        #expect(link.port == 8888)
        #expect(link.name == "Example1")

        link = try ServerLink(
            "ss://2022-blake3-aes-256-gcm:YctPZ6U7xPPcU%2Bgp3u%2B0tx%2FtRizJN9K8y%2BuKlW2qjlI%3D@192.168.100.1:8888#Example3"
        )
        #expect(link.password == "YctPZ6U7xPPcU+gp3u+0tx/tRizJN9K8y+uKlW2qjlI=")

        let whole = Base64.encode(Array("aes-256-gcm:a@b:c@[2001:db8::1]:443".utf8))
        link = try ServerLink("ss://\(whole)#%E4%B8%AD")
        #expect(link.password == "a@b:c")
        #expect(link.host == "2001:db8::1")
        #expect(link.port == 443)
        #expect(link.name == "中")
    }

    @Test(
        "A link inside a text is covered",
        arguments: [
            ("", ""), ("ss://", "ss://"), ("begins with ss://", "begins with ss://"), ("s", "s"), ("ss:/x", "ss:/x"),
            ("ss://x", "ss://••••••••"), ("SS://x", "ss://••••••••"), ("see sss://x y", "see sss://••••••••"),
            ("https://a", "https://a"),
        ])
    func covered(text: String, shown: String) {
        #expect(ServerLink.covered(text) == shown)
    }

    @Test("The port may be left out, and an empty plugin is none")
    func defaults() throws {
        let link = try ServerLink("SS://aes-128-gcm:pass%3Aword@example.com/?plugin=&unknown=1")
        #expect(link.port == 8388)
        #expect(link.password == "pass:word")
        #expect(link.host == "example.com")
    }

    @Test(
        "A password may begin with a mark that combines with the colon before it",
        arguments: ["\u{301}pw", "\u{200d}", "pw\u{301}", "\u{600}x"])
    func combining(password: String) throws {
        let user = "aes-256-gcm:\(password)"
        let encoded = Base64.encode(Array(user.utf8))
        let whole = Base64.encode(Array("\(user)@[::1]:9".utf8))
        for text in ["ss://\(user)@[::1]:9", "ss://\(encoded)@[::1]:9", "ss://\(whole)", "ss://\(whole)#\u{301}"] {
            let link = try ServerLink(text)
            #expect(link.method == "aes-256-gcm")
            #expect(link.password.unicodeScalars.elementsEqual(password.unicodeScalars))
            #expect(link.host == "::1")
            #expect(link.port == 9)
        }
    }

    @Test("In the older form a percent sign stands for itself")
    func percentInBase64() throws {
        let whole = Base64.encode(Array("aes-256-gcm:100%41@h:9".utf8))
        #expect(try ServerLink("ss://\(whole)").password == "100%41")
    }

    @Test("An escape is two hexadecimal digits, no signed number; else the percent sign stands for itself")
    func signedEscapes() throws {
        for text in ["a%+fb", "a%-1b", "a%f", "a% 1b", "a%0xb"] {
            #expect(try ServerLink("ss://aes-256-gcm:\(text)@h:9").password == text)
        }
        #expect(try ServerLink("ss://aes-256-gcm:a%2Fb@h:9").password == "a/b")
    }

    @Test(
        "A link that is none is refused without being repeated",
        arguments: [
            "", "ss://", "http://a:secretpw@h:1", "ss://secretpw", "ss://secretpw@", "ss://a:secretpw@:1",
            "ss://a:secretpw@h:0", "ss://a:secretpw@h:65536", "ss://a:secretpw@h:x", "ss://a:secretpw@h:+80",
            "ss://%zz:secretpw@", "ss://@h:1",
        ])
    func refused(text: String) {
        do {
            _ = try ServerLink(text)
            Issue.record("accepted")
        } catch {
            #expect(!"\(error)".contains("secretpw"))
            #expect(!String(reflecting: error).contains("secretpw"))
        }
    }

    @Test("A link in a log shows nothing of itself")
    func covered() throws {
        let link = try ServerLink("ss://aes-128-gcm:secretpw@h:1")
        var dumped = ""
        dump(link, to: &dumped)
        for text in ["\(link)", String(reflecting: link), dumped] { #expect(!text.contains("secretpw")) }
    }
}
