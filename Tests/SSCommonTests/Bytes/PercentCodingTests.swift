import SSCommon
import Testing

struct PercentCodingTests {
    @Test("Any text comes back, and on the way is only what a path may hold")
    func roundTrip() {
        var texts = (0...0x2fff).compactMap { Unicode.Scalar($0).map { String(Character($0)) } }
        texts += ["", "alice", "a/b?c#d", "100% Müller", "🧑‍🚀", "\u{0}\u{7f}", "a+b c", "%41", "..", "\u{10ffff}"]
        let unreserved = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~".utf8)
        for text in texts {
            let encoded = PercentCoding.encode(text)
            #expect(encoded.utf8.allSatisfy { unreserved.contains($0) || $0 == UInt8(ascii: "%") }, "\(encoded)")
            #expect(PercentCoding.decode(encoded) == text)
        }
    }

    @Test("Every byte is read in either case of its digits")
    func bytes() {
        for byte in UInt8(0)..<0x80 {
            let digits = (byte < 16 ? "0" : "") + String(byte, radix: 16)
            for text in ["%\(digits)", "%\(digits.uppercased())"] {
                #expect(PercentCoding.decode(text) == String(Unicode.Scalar(byte)))
            }
        }
    }

    @Test(
        "What is no encoding of text is refused",
        arguments: [
            "%", "a%", "%4", "%4g", "%g4", "%%41", "% 41", "%-1", "%+1", "%٣٣", "%ff", "%c3", "%c0%80", "%ed%a0%80",
        ])
    func refused(text: String) {
        #expect(PercentCoding.decode(text) == nil)
    }

    @Test("A plus is a plus, and what needs no encoding may have one")
    func plain() {
        #expect(PercentCoding.decode("a+b") == "a+b")
        #expect(PercentCoding.decode("%61lic%65") == "alice")
        #expect(PercentCoding.decode("Müller") == "Müller")
        #expect(PercentCoding.encode("a b") == "a%20b")
    }
}
