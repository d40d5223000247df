import Testing

@testable import SSCommon

@Suite("Base64")
struct Base64Tests {
    @Test(
        "The vectors of RFC 4648 section 10",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func vectors(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
        #expect(Base64.decode(encoded.filter { $0 != "=" }) == Array(plain.utf8), "without padding")
    }

    @Test("Every length comes back")
    func lengths() {
        for count in 0..<100 {
            let bytes = Sodium.random(count)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }

    @Test("Both alphabets are read", arguments: ["-_-_", "+/+/"])
    func alphabets(text: String) {
        #expect(Base64.decode(text) == [0xfb, 0xff, 0xbf])
    }

    @Test("Anything else is refused", arguments: ["A", "AAAAA", "AA A", "AA\n", "Zg=g", "é", "AA*="])
    func refused(text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
