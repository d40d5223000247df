import SSCommon
import Testing

@testable import SSServerCore

@Suite("What may be kept (RFC 9111 3)")
struct StorabilityTests {
    private static let good = "Cache-Control: max-age=60"

    private func refusal(
        _ says: [String], asks: [String] = [], status: Int = 200, _ cookies: CookiePolicy = .bypass
    ) throws -> NotStored? {
        var settings = CacheSettings()
        settings.cookies = cookies
        return try Exchange(says, asks: asks, status: status, settings).refusal()
    }

    @Test("A plain answer with a lifetime, or with something to ask by, is kept")
    func plain() throws {
        #expect(try refusal([Self.good]) == nil)
        #expect(try refusal(["ETag: \"x\""]) == nil)
        #expect(try refusal(["Last-Modified: \(date(-100))"]) == nil)
        #expect(try refusal(["Cache-Control: no-cache", "ETag: \"x\""]) == nil)
        #expect(try refusal(["Cache-Control: max-age=0", "ETag: \"x\""]) == nil)
        #expect(try refusal([Self.good], asks: ["Cookie: a=b"]) == nil)
    }

    @Test(
        "Only the answer to GET without a body is kept",
        arguments: ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "M-SEARCH", "get", "GETS"])
    func methods(method: String) throws {
        var exchange = Exchange([Self.good])
        exchange.line = "\(method) / HTTP/1.1"
        #expect(try exchange.refusal() == .method)
        #expect(try refusal([Self.good], asks: ["Content-Length: 3"]) == .method)
        #expect(try refusal([Self.good], asks: ["Transfer-Encoding: chunked"]) == .method)
    }

    @Test("Neither what is not final nor 304 is kept")
    func statuses() throws {
        for status in [100, 101, 103, 199] { #expect(try refusal([Self.good], status: status) == .interim) }
        #expect(try refusal([Self.good, "ETag: \"x\""], status: 304) == .notModified)
    }

    @Test("no-store of either side forbids it, in any case and with an argument")
    func noStore() throws {
        #expect(try refusal(["Cache-Control: max-age=60, No-Store"]) == .noStore)
        #expect(try refusal(["Cache-Control: no-store=1, public, s-maxage=60"]) == .noStore)
        #expect(try refusal([Self.good], asks: ["Cache-Control: NO-STORE"]) == .requestNoStore)
        #expect(
            try refusal([Self.good], asks: ["Cache-Control: max-age=0", "Cache-Control: no-store"]) == .requestNoStore)
        #expect(try refusal([Self.good], asks: ["Pragma: no-store"]) == nil)
    }

    @Test("must-understand takes the place of no-store where the status is understood (RFC 9111 5.2.2.3)")
    func mustUnderstand() throws {
        let both = "Cache-Control: max-age=60, no-store, must-understand"
        #expect(try refusal([both]) == nil)
        #expect(try refusal([both], status: 404) == nil)
        #expect(try refusal([both], status: 599) != nil)
        #expect(try refusal([both], status: 299) != nil)
        #expect(try refusal(["Cache-Control: max-age=60, must-understand"], status: 599) == .status)
        #expect(try refusal(["Cache-Control: max-age=60, must-understand"]) == nil)
        #expect(try refusal([both], asks: ["Cache-Control: no-store"]) == .requestNoStore)
    }

    @Test(
        "private forbids it, and with field names only those fields (RFC 9111 5.2.2.7)",
        arguments: [
            ("private", .isPrivate), ("PRIVATE", .isPrivate), ("private, public", .isPrivate),
            ("private, s-maxage=60", .isPrivate), ("private=\"\"", .isPrivate), ("private=\"a", .isPrivate),
            ("private=\"x-a\", private", .isPrivate), ("private=\"x-a\"", nil), ("private=x-a", nil),
        ] as [(String, NotStored?)])
    func isPrivate(directive: String, expected: NotStored?) throws {
        #expect(try refusal(["Cache-Control: max-age=60, \(directive)"]) == expected)
    }

    @Test(
        "What was asked for with Authorization is kept only where the answer allows sharing (RFC 9111 3.5)",
        arguments: [
            ("max-age=60", .authorization), ("max-age=60, proxy-revalidate", .authorization),
            ("max-age=60, no-cache=\"x\"", .authorization), ("max-age=60, must-understand", .authorization),
            ("max-age=60, public", nil), ("max-age=60, must-revalidate", nil), ("s-maxage=60", nil),
            ("max-age=60, s-maxage=0", nil), ("private, public", .isPrivate), ("no-store, public", .noStore),
        ] as [(String, NotStored?)])
    func authorization(directives: String, expected: NotStored?) throws {
        let says = ["Cache-Control: \(directives)", "ETag: \"x\""]
        #expect(try refusal(says, asks: ["Authorization: Basic eDp5"]) == expected)
        #expect(try refusal(says, asks: ["authorization:"]) == expected)
        #expect(try refusal(["Expires: \(date(60))"], asks: ["Authorization: Basic eDp5"]) == .authorization)
    }

    @Test("An answer that sets a cookie is passed by, kept whole, or kept without the cookie, as the owner says")
    func cookies() throws {
        let says = [Self.good, "set-cookie: a=b", "Set-Cookie: c=d", "X-A: 1"]
        #expect(try refusal(says) == .cookie)
        #expect(try refusal(says, .store) == nil)
        #expect(try refusal(says, .strip) == nil)
        var exchange = Exchange(says)
        exchange.settings.cookies = .store
        #expect(try exchange.head().all("set-cookie") == ["a=b", "c=d"])
        exchange.settings.cookies = .strip
        #expect(try exchange.head().all("set-cookie") == [])
        #expect(try exchange.head().all("x-a") == ["1"])
    }

    @Test(
        "Vary: * is not kept, wherever the asterisk stands (RFC 9111 4.1)",
        arguments: [["*"], ["Accept, *"], ["*, Accept"], ["", "*"], ["Accept", "*"], [" * "], ["*", ""]])
    func varyInAll(lines: [String]) throws {
        #expect(try refusal([Self.good] + lines.map { "Vary: \($0)" }) == .variesInAll)
    }

    @Test(
        "Vary with names is kept, and names with an asterisk in them are names",
        arguments: ["", "Accept", "x*", "Accept, Cookie"])
    func vary(value: String) throws {
        #expect(try refusal([Self.good, "Vary: \(value)"]) == nil)
    }

    @Test("What says neither how long it is good nor how to ask again is not kept")
    func nothingToGoBy() throws {
        #expect(try refusal([]) == .nothingToGoBy)
        #expect(try refusal(["Date: \(date())"]) == .nothingToGoBy)
        #expect(try refusal(["Cache-Control: public"]) == .nothingToGoBy)
        #expect(try refusal(["Cache-Control: no-cache, max-age=60"]) == .nothingToGoBy)
        #expect(try refusal(["Expires: 0"]) == .nothingToGoBy)
    }

    @Test(
        "What is no validator is nothing to ask by (RFC 9110 8.8)",
        arguments: ["ETag: x", "ETag: \"x", "ETag:", "ETag: 'x'", "Last-Modified: 0", "Last-Modified: yesterday"])
    func brokenValidators(line: String) throws {
        #expect(try refusal([line]) == .nothingToGoBy)
        #expect(try refusal([Self.good, line]) == nil)
    }

    @Test(
        "A status that is not known is kept only if the answer says how long (RFC 9111 3)",
        arguments: [201, 299, 302, 307, 400, 403, 500, 503])
    func unknownStatus(status: Int) throws {
        #expect(try refusal(["ETag: \"x\"", "Last-Modified: \(date(-1000))"], status: status) == .status)
        #expect(try refusal([Self.good], status: status) == nil)
        #expect(try refusal(["Cache-Control: s-maxage=60"], status: status) == nil)
        #expect(try refusal(["Expires: \(date(60))"], status: status) == nil)
        #expect(try refusal(["Cache-Control: public", "ETag: \"x\""], status: status) == nil)
    }

    @Test("A transfer coding that is not understood is not kept", arguments: ["gzip, chunked", "gzip", "x"])
    func coded(coding: String) throws {
        #expect(try refusal([Self.good, "Transfer-Encoding: \(coding)"]) == .coded)
        #expect(try refusal([Self.good, "Transfer-Encoding: chunked"]) == nil)
    }

    @Test(
        "What a condition for the origin was in is not kept", arguments: ["If-Match: \"a\"", "If-Unmodified-Since: x"])
    func originConditions(line: String) throws {
        #expect(try refusal([Self.good], asks: [line]) == .conditional)
    }

    @Test("Every reason names what it is from, and differs from all others")
    func reasons() {
        #expect(Set(NotStored.allCases.map(\.rawValue)).count == NotStored.allCases.count)
    }
}
