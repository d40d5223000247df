import SSCommon
import Testing

@Suite("Names fit for a lookup")
struct DomainNameTests {
    @Test(
        "A name has one spelling",
        arguments: [
            ("Example.COM", "example.com"), ("example.com.", "example.com"), ("a", "a"),
            ("_dmarc.x-y.org", "_dmarc.x-y.org"),
            ("ｅｘａｍｐｌｅ．ｃｏｍ", "example.com"), ("example。com", "example.com"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("Bücher.example", "xn--bcher-kva.example"), ("BÜCHER.example", "xn--bcher-kva.example"),
            ("münchen.de", "xn--mnchen-3ya.de"), ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"), ("☃.net", "xn--n3h.net"), ("faß.de", "xn--fa-hia.de"),
            ("he\u{ad}llo.com", "hello.com"), ("1.2.3.4.nip.io", "1.2.3.4.nip.io"), ("127.0.0.1x", "127.0.0.1x"),
            // The Kelvin sign: its lower case is an ASCII letter.
            ("\u{212a}elvin.example", "kelvin.example"), ("\u{212a}", "k"), ("\u{212a}é", "xn--k-bga"),
        ])
    func normalises(text: String, normal: String) {
        #expect(DomainName(text)?.text == normal)
    }

    @Test(
        "A host that is no name is refused for its reason",
        arguments: [
            (".", .badLabel), ("..", .badLabel), (".com", .badLabel), ("a..b", .badLabel), ("a.b..", .badLabel),
            ("a b", .badCharacter), ("a\r\nb", .badCharacter), ("a%00", .badCharacter), ("[::1]", .badCharacter),
            ("a:b", .badCharacter), ("*.com", .badCharacter), ("a/b", .badCharacter), ("\u{85}.com", .badCharacter),
            ("a\u{202e}b.com", .badCharacter), ("é é.com", .badCharacter), ("127.0.0.1", .numeric),
            ("1.2.3.4.5", .numeric),
            ("256.256.256.256", .numeric), ("08", .numeric), ("x.0x7f", .numeric), ("a.0x", .numeric),
            ("xn--é.com", .badLabel),
            (String(repeating: "a", count: 64) + ".com", .badLabel), (String(repeating: "ü", count: 64), .badLabel),
            (String(repeating: "a.", count: 126) + "bc", .tooLong),
        ] as [(String, DomainName.Fault)])
    func refuses(text: String, fault: DomainName.Fault) throws {
        let host = try #require(HostName(text))
        #expect(throws: fault) { try DomainName(host) }
    }

    @Test("Names up to 253 bytes and labels up to 63 are taken, with or without the last dot")
    func limits() {
        #expect(DomainName(String(repeating: "a", count: 63) + ".com") != nil)
        let longest = String(repeating: "a.", count: 126) + "b"
        #expect(DomainName(longest)?.bytes.count == 253)
        #expect(DomainName(longest + ".")?.bytes.count == 253)
    }

    @Test("Bytes that are no UTF-8 are no name")
    func brokenText() throws {
        let host = try #require(HostName([0x61, 0xc3]))
        #expect(throws: DomainName.Fault.badCharacter) { try DomainName(host) }
    }

    @Test("Random bytes never trap, and what is taken is fixed under a second reading")
    func arbitrary() throws {
        var random = SplitMix(state: 7)
        for _ in 0..<5_000 {
            var text = ""
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                let scalar = Unicode.Scalar(UInt32.random(in: 1...0x2ffff, using: &random)) ?? "."
                text.unicodeScalars.append(
                    Bool.random(using: &random) ? scalar : ["a", ".", "1", "-"].randomElement(using: &random)!)
            }
            guard let host = HostName(text), let name = try? DomainName(host) else { continue }
            #expect(DomainName(name.text) == name)
            #expect(NumericHost(name.text) == nil, "\(name)")
        }
    }

    @Test("Below means below at a dot")
    func hierarchy() throws {
        let parent = try #require(DomainName("example.com"))
        let names = [
            ("example.com", true), ("a.example.com", true), ("a.b.example.com", true), ("xexample.com", false),
            ("com", false),
        ]
        for (text, expected) in names {
            #expect(try #require(DomainName(text)).isEqualToOrBelow(parent) == expected, "\(text)")
        }
    }

    /// RFC 3492 7.1 (A), (B), (I) and (S).
    @Test(
        "Punycode gives the RFC's samples",
        arguments: [
            ("ليهمابتكلموشعربي؟", "egbpdaj6bu4bxfgehfvwxn"), ("他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"),
            ("почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l"), ("-> $1.00 <-", "-> $1.00 <--"),
            ("MajiでKoiする5秒前", "MajiKoi5-783gue6qz075azm5e"),
        ])
    func punycode(text: String, encoded: String) {
        #expect(String(decoding: Punycode.encode(Array(text.unicodeScalars)), as: UTF8.self) == encoded)
    }
}
