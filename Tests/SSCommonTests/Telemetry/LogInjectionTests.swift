import SSCommon
import Testing

/// A host name or rule text that tries to leave its place in a line, with a name for the test's report.
private struct Hostile: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let bytes: [UInt8]

    init(_ name: String, _ bytes: [UInt8]) {
        testDescription = name
        self.bytes = bytes
    }

    init(_ name: String, _ text: String) {
        self.init(name, Array(text.utf8))
    }
}

private let hostile: [Hostile] = [
    Hostile("line feed", "a\r\n2026 ERROR forged"),
    Hostile(
        "whole line",
        "evil\n2026-11-21 02:50:01 ERROR    can not parse header when handling connection from 198.51.100.7:1\n"),
    Hostile("end of a line", "x:1 from 198.51.100.7:1"),
    Hostile("escape sequences", "\u{1b}[2J\u{1b}]0;title\u{7}"),
    Hostile("NUL", "a\u{0}b"),
    Hostile("C1 controls", "a\u{85}b\u{9b}31m"),
    Hostile("separators", "a\u{2028}b\u{2029}c"),
    Hostile("direction marks", "\u{202e}moc.elpmaxe\u{2066}\u{200f}\u{feff}"),
    Hostile("no UTF-8", [0x61, 0xff, 0xfe, 0x80]),
    Hostile("overlong, 2 bytes", [0xc0, 0x8a]),
    Hostile("overlong, 3 bytes", [0xe0, 0x80, 0x8a]),
    Hostile("overlong, 4 bytes", [0xf0, 0x80, 0x80, 0x8a]),
    Hostile("surrogate", [0xed, 0xa0, 0x80]),
    Hostile("beyond Unicode", [0xf4, 0x90, 0x80, 0x80]),
    Hostile("cut short, 3 bytes", [0xe2, 0x80]),
    Hostile("cut short, 2 bytes", [0xc2]),
    Hostile("5-byte form", [0xf8, 0x88, 0x80, 0x80, 0x80]),
    Hostile("quote and backslash", #"quote"and\back"#),
    Hostile("JSON member", #"","level":"forged"#),
    Hostile("logfmt field", #"a" status=OK b=""#),
    Hostile("equals sign", "k=v"),
    Hostile("blanks", "\u{7f}\t "),
    Hostile("255 ESC", Array(repeating: 0x1b, count: 255)),
    Hostile("255 letters", Array(repeating: UInt8(ascii: "h"), count: 255)),
    Hostile("255 quotes", Array(repeating: UInt8(ascii: "\""), count: 255)),
    Hostile("255 backslashes", Array(repeating: UInt8(ascii: "\\"), count: 255)),
    Hostile("8 KiB", [UInt8](repeating: 0x68, count: 8192)),
    Hostile("12 KiB of letters beyond ASCII", String(repeating: "é😀", count: 2048)),
    Hostile("every byte", Array(UInt8.min...UInt8.max)),
]

/// Whether a line is one line for every reader, and shows nothing but what it says.
private func isHarmless(_ line: [UInt8]) -> Bool {
    guard line.last == UInt8(ascii: "\n"), let text = String(validating: line.dropLast(), as: UTF8.self) else {
        return false
    }
    return text.unicodeScalars.allSatisfy {
        switch $0.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: false
        default: true
        }
    }
}

@Suite("Foreign text in the log")
struct LogInjectionTests {
    @Test("A hostile host name stays one word of one line", arguments: hostile)
    fileprivate func hosts(host: Hostile) throws {
        let peer = try LogSample.endpoint("203.0.113.9")
        // A name on the wire has no NUL and at most 255 bytes.
        let name = [UInt8](host.bytes.filter { $0 != 0 }.prefix(255))
        let event = RelayEvent.connecting(try LogSample.target(name), peer: peer)
        let plain = LogSample.line(.text, event)
        #expect(isHarmless(plain))
        #expect(LogSample.text(plain).split(separator: " ", omittingEmptySubsequences: false).count == 11)
        #expect(LogSample.text(plain).hasSuffix(":443 from 203.0.113.9:51234\n"))
        let expected = LogSample.text(plain).dropFirst("2026-11-21 02:50:01 INFO     connecting ".count)
            .dropLast(" from 203.0.113.9:51234\n".count)
        #expect(expected.utf8.count <= 256 + 4)

        for (format, parse) in [(LogFormat.json, parseStrictJSON), (.logfmt, parseStrictLogfmt)] {
            let bytes = LogSample.line(format, event)
            #expect(isHarmless(bytes))
            let fields = try #require(parse(bytes.dropLast()))
            #expect(fields.keys.sorted() == ["level", "msg", "peer", "status", "target", "time"])
            #expect(fields["target"] == String(expected))
            #expect(fields["status"] == "OK")
        }
    }

    @Test("A hostile rule, source or field value cannot leave its field", arguments: hostile)
    fileprivate func values(foreign: Hostile) throws {
        let value = String(decoding: foreign.bytes, as: UTF8.self)
        let event = RelayEvent.blocked(
            try LogSample.target("h"), peer: try LogSample.endpoint("::1"), rule: value, source: value)
        for format in LogFormat.allCases {
            let general = LogSample.line(format, .error, value, [("value", value), (value, "x")])
            #expect(isHarmless(general))
            #expect(general.count < 2 * (1024 + 256) + 200)
            #expect(isHarmless(LogSample.line(format, event)))
            #expect(LogSample.line(format, event).count < 2 * 2 * 256 + 200)
        }
        for (format, parse) in [(LogFormat.json, parseStrictJSON), (.logfmt, parseStrictLogfmt)] {
            let fields = try #require(parse(LogSample.line(format, event).dropLast()))
            #expect(fields["status"] == "ERR_BLOCKED")
            #expect(fields["rule"] == fields["source"])
            #expect(fields.count == 8)
            #expect(try #require(fields["rule"]).utf8.count <= 256)
            let general = try #require(parse(LogSample.line(format, .error, value, [("value", value)]).dropLast()))
            #expect(general["level"] == "error")
            #expect(general.count == 4)
        }
    }

    @Test("Every single byte as a host is escaped exactly as the address describes itself")
    func everyByte() throws {
        for byte in UInt8(1)...255 {
            let event = RelayEvent.connecting(try LogSample.target([0x61, byte]), peer: try LogSample.endpoint("::1"))
            guard case .connecting(let target, _) = event else { return }
            #expect(LogSample.text(LogSample.line(.text, event)).contains(" connecting \(target) from "))
        }
    }

    @Test("Text in people's languages passes unescaped, and a cut never splits a character")
    func languages() {
        let greeting = "grüße, 世界 😀"
        #expect(LogSample.text(LogSample.line(.text, .info, greeting)).hasSuffix("INFO     \(greeting)\n"))
        for lead in 0..<6 {
            let value = String(repeating: "a", count: lead) + String(repeating: "世", count: 200)
            let bytes = LogSample.line(.logfmt, .info, "x", [("v", value)])
            #expect(isHarmless(bytes))
            #expect(LogSample.text(bytes).hasSuffix("世...\"\n"))
        }
    }

    @Test("A field of exactly the limit is whole, one more byte is cut")
    func limit() {
        let full = String(repeating: "a", count: 256)
        #expect(LogSample.text(LogSample.line(.logfmt, .info, "x", [("v", full)])).hasSuffix("v=\(full)\n"))
        #expect(
            LogSample.text(LogSample.line(.logfmt, .info, "x", [("v", full + "b")])).hasSuffix(
                "v=\(full.dropLast(3))...\n"))
    }
}
