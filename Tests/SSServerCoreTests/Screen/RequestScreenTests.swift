import SSCommon
import Testing

@testable import SSServerCore

/// A TLS client's first message, in records of at most `piece` bytes.
func clientHello(_ name: String?, piece: Int = 16_384) -> [UInt8] {
    func vector(_ size: Int, _ bytes: [UInt8]) -> [UInt8] {
        (size == 2 ? [UInt8(bytes.count >> 8)] : []) + [UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }
    var extensions: [UInt8] = [0, 43] + vector(2, [2, 3, 4])
    if let name { extensions += [0, 0] + vector(2, vector(2, [0] + vector(2, Array(name.utf8)))) }
    extensions += [0, 21] + vector(2, [UInt8](repeating: 0, count: 300))
    let body =
        [3, 3] + [UInt8](repeating: 9, count: 32) + vector(1, []) + vector(2, [0x13, 1]) + vector(1, [0])
        + vector(2, extensions)
    let message = [1, 0, UInt8(body.count >> 8), UInt8(truncatingIfNeeded: body.count)] + body
    var records: [UInt8] = []
    var rest = message[...]
    while !rest.isEmpty {
        records += [22, 3, 1] + vector(2, Array(rest.prefix(piece)))
        rest = rest.dropFirst(piece)
    }
    return records
}

@Suite("What goes up a stream, looked at")
struct RequestScreenTests {
    private static let rule: DecidingRule? = {
        var builder = RuleSet.Builder(.allowedFirst, seed: (1, 2))
        builder.sources.begin("s")
        _ = builder.add(.everything, isAllowed: false, at: builder.sources.advance())
        var blacklist = Blacklist()
        blacklist.own = RuleSet(builder)
        var permission = Permission()
        return blacklist.refusal(of: .v4(IPv4Address(1)), port: 1, for: nil, &permission)
    }()

    /// What a stream shows, what passes of it, and how it ends.
    private struct Seen: Equatable {
        var shown: [String] = []
        var passed: [UInt8] = []
        var end = "open"
    }

    private static func text(_ shown: ShownTarget) -> String {
        switch shown {
        case .tlsName(let name): "tls \(name)"
        case .request(.name(let name)?, let path): "\(name) \(String(decoding: path, as: UTF8.self))"
        case .request(.address(let address)?, let path): "\(address) \(String(decoding: path, as: UTF8.self))"
        case .request(nil, let path): "- \(String(decoding: path, as: UTF8.self))"
        }
    }

    /// Shows `bytes` in pieces of `step`; what contains "bad" is refused.
    private func run(_ bytes: [UInt8], step: Int) -> Seen {
        var screen = RequestScreen()
        var seen = Seen()
        var held: [UInt8] = []
        var isDone = false
        for start in stride(from: 0, to: bytes.count, by: step) {
            held += bytes[start..<min(start + step, bytes.count)]
            if isDone {
                seen.passed += held
                held = []
                continue
            }
            let outcome = held.withUnsafeBytes { buffer in
                screen.look(RawSpan(_unsafeBytes: buffer)) { target in
                    seen.shown.append(Self.text(target))
                    return Self.text(target).contains("bad") ? Self.rule : nil
                }
            }
            switch outcome {
            case .pass(let count):
                seen.passed += held.prefix(count)
                held.removeFirst(count)
            case .passAll:
                seen.passed += held
                held = []
                isDone = true
                seen.end = "all"
            case .refused(_, let count, let request):
                seen.passed += held.prefix(count)
                seen.end = request != nil ? "refused, answered" : "refused"
                return seen
            case .malformed(let fault):
                seen.end = "malformed \(fault)"
                return seen
            }
        }
        return seen
    }

    private func check(_ text: String, _ shown: [String], _ passed: String, _ end: String) {
        for step in [1, 7, 100_000] {
            let seen = run(Array(text.utf8), step: step)
            #expect(seen.shown == shown, "\(text.debugDescription) in steps of \(step)")
            #expect(String(decoding: seen.passed, as: UTF8.self) == passed, "in steps of \(step)")
            // In one piece, the answers to what came before are still owed.
            #expect(seen.end == end || seen.end == "refused" && end == "refused, answered" && step > 7)
        }
    }

    @Test("Every request of a connection shows its host and its path")
    func requests() {
        let first = "GET /a/../b?c HTTP/1.1\r\nHost: One.example:80\r\n\r\n"
        let body = "POST /form HTTP/1.1\r\nHost: two.example\r\nContent-Length: 21\r\n\r\nGET /bad HTTP/1.1\r\n\r\n"
        let chunked = "PUT /x HTTP/1.1\r\nHost: 192.0.2.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\n\r\n"
        check(
            first + body + chunked,
            ["one.example /b?c", "two.example /form", "192.0.2.1 /x"], first + body + chunked, "open")
        check(
            first + "GET /bad HTTP/1.1\r\nHost: three.example\r\n\r\nmore", ["one.example /b?c", "three.example /bad"],
            first,
            "refused, answered")
        check(
            "GET http://bad.example/x HTTP/1.1\r\nHost: a.example\r\n\r\n", ["bad.example /x"], "", "refused, answered")
        check(
            "GET http://a.example/x HTTP/1.1\r\nHost: bad.example\r\n\r\n", ["a.example /x", "bad.example /x"], "",
            "refused, answered")
        check("GET /%62ad HTTP/1.0\r\n\r\n", ["- /bad"], "", "refused, answered")
    }

    @Test("What is no HTTP and no TLS passes at once")
    func others() {
        for text in [
            "SSH-2.0-x\r\n", "\0\0", "EHLO me\r\n", "hello", "GET / HTTP/3.0\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "A b c d e\r\n",
        ] {
            check(text, [], text, "all")
        }
        for text in ["", "GET", "SOMETHING"] { check(text, [], "", "open") }
    }

    @Test("Who offers to go over to something else may, and who does not is read on")
    func upgrades() {
        let offer = "GET /chat HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        check(offer + "\u{1}\u{2}", ["a.example /chat"], offer + "\u{1}\u{2}", "all")
        check(
            offer + "GET /bad HTTP/1.1\r\nHost: a.example\r\n\r\n", ["a.example /chat", "a.example /bad"], offer,
            "refused, answered")
        let connect = "CONNECT b.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\n"
        var bytes = Array(connect.utf8)
        bytes += clientHello("bad.example")
        let seen = run(bytes, step: 9)
        #expect(seen.shown == ["b.example /", "tls bad.example"] && seen.end == "refused")
    }

    @Test(
        "What two could read differently is none",
        arguments: [
            "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n bad\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nget /bad HTTP/1.1\r\n\r\n",
        ])
    func malformed(text: String) {
        for step in [1, 100_000] { #expect(run(Array(text.utf8), step: step).end.hasPrefix("malformed")) }
    }

    @Test("The name that a TLS client asks for, however its message is cut")
    func tls() {
        for piece in [10, 100, 16_384] {
            for step in [1, 3, 100_000] {
                let good = clientHello("Good.example.", piece: piece)
                #expect(
                    run(good + [1, 2, 3], step: step)
                        == Seen(shown: ["tls good.example"], passed: good + [1, 2, 3], end: "all"))
                #expect(run(clientHello("bad.example", piece: piece), step: step).end == "refused")
                let nameless = clientHello(nil, piece: piece)
                #expect(run(nameless, step: step) == Seen(passed: nameless, end: "all"))
            }
        }
    }

    @Test("A message in hundreds of records is not waited for")
    func crumbs() {
        let hello = clientHello("bad.example", piece: 1)
        #expect(run(hello, step: 1) == Seen(passed: hello, end: "all"))
    }

    @Test(
        "No byte of a TLS client's message, changed or missing, leads anywhere else than to a name, to none or to waiting"
    )
    func damaged() {
        let hello = clientHello("a.example")
        for index in hello.indices {
            for value: UInt8 in [0, 1, 0x7f, 0xff] {
                var bytes = hello
                bytes[index] = value
                _ = run(bytes, step: 100_000)
            }
            #expect(run(Array(hello[..<index]), step: 100_000).shown.isEmpty)
        }
        let endless: [UInt8] = [22, 3, 1, 0x40, 0, 1, 0, 0x7f, 0xff] + [UInt8](repeating: 0, count: 40_000)
        #expect(run(endless, step: 1000).end == "all")
    }
}
