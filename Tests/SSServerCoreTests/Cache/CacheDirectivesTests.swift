import SSCommon
import Testing

@testable import SSServerCore

@Suite("Cache-Control")
struct CacheDirectivesTests {
    private func read(_ lines: String...) -> CacheDirectives { CacheDirectives(lines.map(within)) }

    /// nil where it is absent, empty where it is about everything.
    private func names(_ scope: CacheDirectives.Scope) -> [String]? {
        switch scope {
        case .absent: nil
        case .fields(let fields): fields.map(words)
        case .all: []
        }
    }

    @Test("Directives without arguments are read in any case, in any order and over several lines")
    func plain() {
        let spellings = [
            ["public, no-store, must-revalidate, proxy-revalidate, must-understand, only-if-cached"],
            ["PUBLIC,NO-STORE", "Must-Revalidate", "", "Proxy-REVALIDATE ,, mUsT-uNdErStAnD\t,only-IF-cached,"],
        ]
        for lines in spellings {
            let control = CacheDirectives(lines.map(within))
            #expect(control.isPublic && control.noStore && control.mustRevalidate && control.proxyRevalidate)
            #expect(control.mustUnderstand && control.onlyIfCached && !control.isEmpty)
            #expect(control.maxAge == nil && names(control.noCache) == nil && names(control.isPrivate) == nil)
        }
    }

    @Test("Each directive is read alone, and nothing else with it")
    func alone() {
        #expect(read("public").isPublic && !read("public").mustRevalidate && !read("public").noStore)
        #expect(read("no-store").noStore && names(read("no-store").noCache) == nil)
        #expect(read("must-revalidate").mustRevalidate && !read("must-revalidate").proxyRevalidate)
        #expect(read("must-understand").mustUnderstand && !read("must-understand").mustRevalidate)
        #expect(read("proxy-revalidate").proxyRevalidate && !read("proxy-revalidate").mustRevalidate)
        #expect(read("s-maxage=5").sharedMaxAge == 5 && read("s-maxage=5").maxAge == nil)
        #expect(read("max-age=5").maxAge == 5 && read("max-age=5").sharedMaxAge == nil)
        #expect(read("stale-while-revalidate=5").staleWhileRevalidate == 5)
        #expect(read("stale-if-error=6").staleIfError == 6 && read("stale-if-error=6").staleWhileRevalidate == nil)
    }

    @Test("What is not known is ignored, and no part of a name is a name (RFC 9111 5.2.3)")
    func unknown() {
        let control = read(
            "immutable, no-transform, community=\"UCI\", publicly, xpublic, no-stor, no-storex, max-ages=5, max_age=5, "
                + "xmax-age=7, s-max-age=5, =5, =, \"public\", 'no-store', foo=\"no-store, public\", max-age =5")
        #expect(!control.isPublic && !control.noStore && control.maxAge == nil && control.sharedMaxAge == nil)
        #expect(!control.isEmpty)
        #expect(read("no-store=\"because\"").noStore)
    }

    @Test("No line, or lines with nothing in them, are no directive", arguments: [[], [""], [" , ,\t"], ["", ","]])
    func empty(lines: [String]) {
        #expect(CacheDirectives(lines.map(within)).isEmpty)
    }

    @Test(
        "Delta-seconds are digits, in quotes or not (RFC 9111 1.2.2, 5.2)",
        arguments: [
            ("0", 0), ("3600", 3600), ("\"3600\"", 3600), ("0003600", 3600), ("\"\\3600\"", 3600),
            ("'3600'", nil), ("3600.0", nil), ("3600s", nil), ("-1", nil), ("+1", nil), (" 1", nil), ("1 ", nil),
            ("1 2", nil), ("", nil), ("\"\"", nil), ("\"3600", nil), ("3600\"", nil), ("\"3600\"x", nil), ("\"", nil),
            ("\"36\\", nil), ("0x10", nil), ("1e3", nil), ("\u{0}", nil), ("1\u{0}", nil), ("१", nil), ("1,2", nil),
        ] as [(String, UInt64?)])
    func seconds(text: String, expected: UInt64?) {
        #expect(CacheDirectives.seconds(within(text)) == expected)
    }

    @Test(
        "Numbers that are too large are as large as can be, at least 2^31 (RFC 9111 1.2.2)",
        arguments: [
            "2147483648", "4294967295", "4294967296", "4294967297", "9223372036854775807", "9223372036854775808",
            "18446744073709551615", "18446744073709551616", String(repeating: "9", count: 3000),
        ])
    func overflow(digits: String) throws {
        let seconds = try #require(CacheDirectives.seconds(within(digits)))
        #expect(seconds >= 1 << 31 && seconds <= CacheDirectives.maximumSeconds)
        #expect(read("max-age=\(digits), s-maxage=\"\(digits)\"").maxAge == seconds)
    }

    @Test("2^31 less one is what it is")
    func largest() { #expect(CacheDirectives.seconds(within("2147483647")) == 2_147_483_647) }

    @Test(
        "A lifetime that cannot be read is over (RFC 9111 4.2.1)",
        arguments: [
            "max-age", "max-age=", "max-age='3600'", "max-age=-1", "max-age=1.5", "max-age=abc", "max-age=\"3600",
            "max-age=3600;x", "max-age= 3600", "max-age=\"\"", "MAX-AGE=''", "max-age=3600x, max-age=50",
        ])
    func unreadable(text: String) {
        #expect(read(text).maxAge == 0)
        #expect(read(text.lowercased().replacing("max-age", with: "s-maxage")).sharedMaxAge == 0)
        #expect(read(text.lowercased().replacing("max-age", with: "stale-if-error")).staleIfError == 0)
        let background = text.lowercased().replacing("max-age", with: "stale-while-revalidate")
        #expect(read(background).staleWhileRevalidate == 0)
    }

    @Test("Of two of the same, the one counts that keeps less (RFC 9111 4.2.1)")
    func twice() {
        for control in [read("max-age=10, max-age=5"), read("max-age=5, max-age=10"), read("max-age=5", "max-age=10")] {
            #expect(control.maxAge == 5)
        }
        #expect(read("s-maxage=10", "s-maxage=5").sharedMaxAge == 5)
        #expect(read("stale-if-error=5, stale-if-error=10").staleIfError == 5)
        #expect(read("stale-while-revalidate=50, stale-while-revalidate=10").staleWhileRevalidate == 10)
        #expect(read("max-stale=5, max-stale").maxStale == 5)
        #expect(read("max-stale, max-stale=5").maxStale == 5)
        #expect(read("min-fresh=5, min-fresh=10, min-fresh=7").minFresh == 10)
    }

    @Test("Contrary directives are all there, for the stricter to count")
    func contrary() {
        let control = read("public, private, no-store, max-age=5")
        #expect(control.isPublic && control.noStore && names(control.isPrivate) == [] && control.maxAge == 5)
    }

    @Test("max-stale without a number is without limit, and with what is no number 0 (RFC 9111 5.2.1.2)")
    func maxStale() {
        #expect(read("max-stale").maxStale == .max)
        #expect(read("Max-Stale=60").maxStale == 60)
        #expect(read("max-stale=x").maxStale == 0)
        #expect(read("max-age=5").maxStale == nil)
    }

    @Test("min-fresh that cannot be read asks for the most")
    func minFresh() {
        #expect(read("min-fresh=60").minFresh == 60)
        for text in ["min-fresh", "min-fresh=x", "min-fresh=-1"] {
            #expect(read(text).minFresh ?? 0 >= 1 << 31)
        }
    }

    @Test(
        "private and no-cache may be about some fields only (RFC 9111 5.2.2.4, 5.2.2.7)",
        arguments: [
            ("@", []), ("@=\"Set-Cookie\"", ["set-cookie"]), ("@=\"a, B ,,c\"", ["a", "b", "c"]), ("@=X-A", ["x-a"]),
            ("@=\"a\", @=\"b\"", ["a", "b"]), ("@=\"x\\-a\"", ["x-a"]),
            // The stricter reading.
            ("@=\"a\", @", []), ("@, @=\"a\"", []), ("@=\"\"", []), ("@=", []), ("@=\" , \"", []), ("@=\"a", []),
            ("@=\"a\"b", []), ("@=\"a b\"", []), ("@='a'", ["'a'"]), ("@=\"a;b\"", []), ("@=\"a, b c\"", []),
        ] as [(String, [String])])
    func scopes(text: String, fields: [String]) {
        let noCache = read(text.replacing("@", with: "no-cache"))
        #expect(names(noCache.noCache) == fields && names(noCache.isPrivate) == nil)
        let isPrivate = read(text.replacing("@", with: "Private"))
        #expect(names(isPrivate.isPrivate) == fields && names(isPrivate.noCache) == nil)
    }

    @Test("However a line breaks off, no lifetime grows and nothing is allowed that was not")
    func truncated() {
        let text = "no-store, private=\"a, b\", max-age=3600, s-maxage=\"70\", no-cache=\"c\\d\""
        for end in 0...text.utf8.count {
            let control = read(String(text.prefix(end)))
            #expect(control.maxAge ?? 0 <= 3600 && control.sharedMaxAge ?? 0 <= 70 && !control.isPublic)
            #expect(control.noStore == (end >= 8))
        }
    }

    @Test("Bytes at random are read to an end", arguments: [1, 2, 3] as [UInt64])
    func random(seed: UInt64) {
        var random = SplitMix(seed)
        let pieces = [
            "max-age", "=", "\"", "\\", ",", " ", "9999999999999999999999", "no-cache", "private", "\u{0}", "é", "'",
        ]
        for _ in 0..<2000 {
            let count = Int.random(in: 0..<12, using: &random)
            let text = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            let control = read(text)
            #expect(control.maxAge ?? 0 <= CacheDirectives.maximumSeconds)
            #expect(!control.noStore && !control.isPublic)
        }
    }
}
