import Testing

@testable import SSServerCore

@Suite("Cache-Status (RFC 9211)")
struct CacheStatusTests {
    /// The parameters; the name of the cache first.
    private func parts(_ status: CacheStatus) throws -> [String] {
        let line = words(status.line)
        #expect(line.hasSuffix("\r\n") && line.filter(\.isNewline).count == 1)
        let value = try #require(line.wholeMatch(of: /Cache-Status: (.*)\r\n/)).1
        return value.split(separator: ";", maxSplits: 10).map { $0.trimmingPrefix(" ") }.map(String.init)
    }

    @Test("A hit says so, and for how long it is good")
    func hit() throws {
        var status = CacheStatus(.hit)
        #expect(try parts(status) == ["ssserver", "hit"])
        status.ttl = 376
        #expect(try Set(parts(status)) == ["ssserver", "hit", "ttl=376"])
        status.ttl = -5
        #expect(try Set(parts(status)) == ["ssserver", "hit", "ttl=-5"])
        status.ttl = 0
        #expect(try Set(parts(status)) == ["ssserver", "hit", "ttl=0"])
    }

    @Test("A hit has no word on what was forwarded (RFC 9211 2.2)")
    func hitOnly() throws {
        var status = CacheStatus(.hit)
        status.status = 304
        #expect(try !parts(status).contains { $0.hasPrefix("fwd") })
    }

    @Test("Reasons are the words of RFC 9211 2.2")
    func reasons() throws {
        let words: Set = ["bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"]
        for reason in ForwardReason.allCases {
            #expect(words.contains(reason.rawValue))
            #expect(try parts(CacheStatus(.forwarded(reason))) == ["ssserver", "fwd=\(reason.rawValue)"])
        }
    }

    @Test("What became of what was forwarded")
    func forwarded() throws {
        var status = CacheStatus(.forwarded(.uriMiss))
        status.status = 200
        status.isStored = true
        status.isCollapsed = true
        status.ttl = 60
        #expect(try parts(status)[0] == "ssserver")
        #expect(
            try Set(parts(status)) == ["ssserver", "fwd=uri-miss", "fwd-status=200", "stored", "collapsed", "ttl=60"])
    }

    /// RFC 9211 2.8: a token, or else a string in quotes (RFC 8941 3.3.3).
    @Test(
        "A detail is a token or a string",
        arguments: ["stale-if-error", "it is too large", "a;hit", "a\"b\\", "5"] + NotStored.allCases.map(\.rawValue))
    func detail(text: String) throws {
        var status = CacheStatus(.forwarded(.stale))
        status.detail = text
        let line = words(status.line)
        let isToken = text.wholeMatch(of: /[A-Za-z*][-A-Za-z0-9!#$%&'*+.^_`|~:\/]*/) != nil
        let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        #expect(line.contains("; detail=\"\(escaped)\"\r\n") || (isToken && line.contains("; detail=\(text)\r\n")))
    }
}
