import SSCommon
import Testing

@testable import SSServerCore

@Suite("Answers that vary (RFC 9111 4.1)")
struct VariantKeyTests {
    /// Whether what was made for one request is for another too.
    private func matches(_ vary: [String], _ kept: [String], _ asked: [String]) throws -> Bool {
        let key = try #require(VariantKey(vary: vary.map(within), request: try question(kept).head))
        let other = try #require(VariantKey(vary: vary.map(within), request: try question(asked).head))
        let matches = key.matches(try question(asked).head)
        #expect(matches == (key == other))
        #expect(key.matches(try question(kept).head))
        return matches
    }

    @Test(
        "The codings that are taken count, not how they are written",
        arguments: [
            ("gzip, br", "br,gzip", true), ("gzip", "GZIP", true),
            ("gzip, br", "br ;q=1.0,\tgzip;q=0.8", true), ("gzip, deflate", "gzip", false),
            ("x-gzip", "deflate", false),
            ("gzip", "gzip, br", false), ("gzip", "br", false), ("zstd", "gzip", false), ("gzip, zstd", "gzip", false),
            ("gzip", "gzip;q=0", false), ("gzip;q=0", "gzip;q=0.0", true), ("gzip;q=0.000", "gzip; q=0", true),
            ("gzip;q=0", "gzip;q=0.001", false), ("gzip;Q=0", "gzip;q=0", true), ("gzip;q=0.5", "gzip", true),
            ("identity", "gzip", false), ("identity;q=0", "identity", false), ("identity;q=0, gzip", "gzip", false),
            ("*", "gzip", false), ("*;q=0", "*", false), ("gzip, *;q=0", "gzip", false),
            ("*;q=0, gzip", "gzip,*;q=0", true),
        ])
    func codings(kept: String, asked: String, expected: Bool) throws {
        let found = try matches(["Accept-Encoding"], ["Accept-Encoding: \(kept)"], ["accept-encoding: \(asked)"])
        #expect(found == expected)
    }

    @Test("Codings on several lines are those of one")
    func codingLines() throws {
        #expect(
            try matches(
                ["accept-encoding"], ["Accept-Encoding: gzip", "Accept-Encoding: br"], ["Accept-Encoding: br, gzip"]))
    }

    @Test(
        "Languages in any case and with any spaces are the same",
        arguments: [
            ("en-US,en;q=0.5", "EN-us, en; q=0.5", true), ("en", "en", true), ("en ,de", "en,\tde", true),
            ("en", "de", false), ("en", "en, de", false), ("en;q=0.5, de", "en, de", false), ("en-US", "en", false),
        ])
    func languages(kept: String, asked: String, expected: Bool) throws {
        #expect(
            try matches(["Accept-Language"], ["Accept-Language: \(kept)"], ["Accept-Language: \(asked)"]) == expected)
    }

    @Test(
        "Other fields are the same but for the space round commas and lines",
        arguments: [
            (["X: a, b"], ["X: a,b"], true), (["X: a", "X: b"], ["X: a ,\tb"], true), (["X: a"], ["x: a"], true),
            (["X: a"], ["X: A"], false), (["X: a b"], ["X: a  b"], false), (["X: a, b"], ["X: b, a"], false),
            (["X: \"a,b\""], ["X: \"a, b\""], false), (["X: ab"], ["X: a, b"], false), (["X: a"], ["Y: a"], false),
            (["X: a", "Y: 1"], ["X: a", "Y: 2"], true),
        ])
    func others(kept: [String], asked: [String], expected: Bool) throws {
        #expect(try matches(["x"], kept, asked) == expected)
    }

    @Test(
        "A field that is absent is not one that is empty",
        arguments: ["X", "Accept-Encoding", "Accept-Language", "Cookie", "User-Agent"])
    func absent(name: String) throws {
        #expect(try matches([name], [], []))
        #expect(try matches([name], ["\(name):"], ["\(name): "]))
        #expect(try !matches([name], [], ["\(name):"]))
        #expect(try !matches([name], ["\(name):"], []))
        #expect(try !matches([name], [], ["\(name): gzip"]))
        #expect(try !matches([name], ["\(name): gzip"], []))
    }

    @Test("All fields must be the same, whichever order and case Vary names them in")
    func severalFields() throws {
        #expect(try matches(["A", "b"], ["A: 1", "B: 2"], ["b: 2", "a: 1"]))
        #expect(try !matches(["A", "b"], ["A: 1", "B: 2"], ["A: 1", "B: 3"]))
        #expect(try !matches(["A", "b"], ["A: 1", "B: 2"], ["A: 2", "B: 1"]))
        #expect(try !matches(["A", "b"], ["A: 1"], ["B: 1"]))
        let request = try question(["A: 1", "B: 2"]).head
        #expect(
            VariantKey(vary: ["a", "B"].map(within), request: request)
                == VariantKey(vary: ["b", "A", "a"].map(within), request: request))
        #expect(
            VariantKey(vary: ["a"].map(within), request: request)
                != VariantKey(vary: ["b"].map(within), request: request))
    }

    @Test("Fields that a proxy acts on can be varied in too")
    func knownFields() throws {
        let key = try #require(VariantKey(vary: [within("Host")], request: try question().head))
        #expect(key.matches(try question().head))
        #expect(!key.matches(try parsedHead(["GET / HTTP/1.1", "Host: example.org"], .request)))
    }

    @Test("What varies in more than can be remembered has no key")
    func limits() throws {
        let names = (0..<9).map { within("x-\($0)") }
        #expect(VariantKey(vary: names, request: try question().head) == nil)
        #expect(VariantKey(vary: Array(names.dropLast()), request: try question().head) != nil)
        #expect(VariantKey(vary: Array(repeating: within("x"), count: 50), request: try question().head) != nil)
        let long = String(repeating: "a", count: 3000)
        #expect(VariantKey(vary: [within("x")], request: try question(["X: \(long)"]).head) == nil)
        #expect(VariantKey(vary: [within("y")], request: try question(["X: \(long)"]).head) != nil)
    }

    @Test("A request with a longer value than can be remembered matches nothing that is kept")
    func longRequest() throws {
        let key = try #require(VariantKey(vary: [within("x")], request: try question(["X: a"]).head))
        #expect(!key.matches(try question(["X: a\(String(repeating: "a", count: 3000))"]).head))
    }
}
