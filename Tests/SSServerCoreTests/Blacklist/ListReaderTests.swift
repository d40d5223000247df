import SSCommon
import Testing

@testable import SSServerCore

@Suite("Lists, piece by piece")
struct ListReaderTests {
    private static let list = """
        \u{feff}# a list
        a.com
        0.0.0.0 hosts.example
        ||adblock.example^
        @@||ok.adblock.example^\r
        192.0.2.0/24
        http://b.com/path
        a b c
        ##.banner
        *track*
        127.0.0.1 localhost
        A.com
        0.0.0.0 localhost.localdomain
        last.example
        """

    private func read(_ bytes: [UInt8], cutAt cuts: [Int]) -> (book: RuleBook, report: ListReport, sources: RuleSources)
    {
        var builder = RuleSet.Builder(.mostExact, seed: (1, 2))
        builder.sources.begin("lists/ads.txt")
        var reader = ListReader()
        var start = 0
        for cut in cuts.sorted() + [bytes.count] {
            Array(bytes[start..<cut]).withUnsafeBytes { reader.read($0, into: &builder) }
            start = cut
        }
        reader.end(into: &builder)
        let set = RuleSet(builder)
        return (set.general[0], reader.report, set.sources)
    }

    private func check(_ result: (book: RuleBook, report: ListReport, sources: RuleSources)) throws {
        let (book, report, sources) = result
        #expect(report.lines == 14)
        #expect(report.rules == 9)
        #expect(report.badLines == 1 && report.complaints == [.init(line: 8, fault: .unknown)])
        #expect(report.unenforceable == [.cosmetic: 1])
        func origin(_ name: String) throws -> String? {
            let found = book.match(try #require(DomainName(name)), port: 443)
            return found.map { found in
                let origin = sources.origin(of: found.place)
                return "\(found.isAllowed ? "@@" : "")\(found.text) (\(origin.source):\(origin.line))"
            }
        }
        #expect(try origin("x.a.com") == "||a.com^ (lists/ads.txt:2)")
        #expect(try origin("hosts.example") == "=hosts.example (lists/ads.txt:3)")
        #expect(try origin("x.hosts.example") == nil)
        #expect(try origin("x.adblock.example") == "||adblock.example^ (lists/ads.txt:4)")
        #expect(try origin("ok.adblock.example") == "@@||ok.adblock.example^ (lists/ads.txt:5)")
        #expect(try origin("mytracker.example") == "*track* (lists/ads.txt:10)")
        #expect(try origin("last.example") == "||last.example^ (lists/ads.txt:14)")
        #expect(try origin("localhost") == nil && origin("b.com") == nil)
        #expect(book.match(try #require(IPAddress("192.0.2.9")), port: 443)?.text == "192.0.2.0/24")
        let host = RequestHost.name(try #require(DomainName("b.com")))
        #expect(book.match(host, path: Array("/path/x".utf8))?.text == "b.com/path")
        #expect(book.match(host, path: Array("/other".utf8)) == nil)
    }

    @Test("However they come, they say the same")
    func everyCut() throws {
        let bytes = Array(Self.list.utf8)
        try check(read(bytes, cutAt: []))
        for cut in 0...bytes.count { try check(read(bytes, cutAt: [cut])) }
        try check(read(bytes, cutAt: Array(0...bytes.count)))
    }

    @Test("A line of a megabyte, zero bytes and what is no text are bad lines, and the list goes on")
    func junk() throws {
        var bytes = Array("a.com\n".utf8) + [UInt8](repeating: 0x61, count: 1 << 20) + [10, 0, 10, 0xff, 10]
        bytes += Array("b.com\n".utf8)
        let (book, report, _) = read(bytes, cutAt: [100, 5000, 500_000])
        #expect(report.lines == 5 && report.badLines == 3 && report.rules == 2)
        #expect(report.complaints.map(\.fault) == [.tooLong, .notText, .notText])
        #expect(book.match(try #require(DomainName("b.com")), port: 443) != nil)
    }

    @Test("Complaints are counted beyond the first twenty, and repetitions take no room")
    func many() {
        let bad = read(Array(String(repeating: "a b c\n", count: 1000).utf8), cutAt: [])
        #expect(bad.report.badLines == 1000 && bad.report.complaints.count == 20)
        let same = read(Array(String(repeating: "a.com\n", count: 10_000).utf8), cutAt: [])
        #expect(same.report.rules == 10_000 && same.book.count == 1)
    }

    @Test("The longest path of the longest host decides, and what allows of two")
    func paths() throws {
        let lines = """
            a.com/x
            @@||a.com/x/ok
            ||b.a.com/x
            http://c.com/only
            """
        let book = read(Array(lines.utf8), cutAt: []).book
        func isAllowed(_ host: String, _ path: String) throws -> Bool? {
            book.match(.name(try #require(DomainName(host))), path: Array(path.utf8))?.isAllowed
        }
        #expect(try isAllowed("a.com", "/x/1") == false)
        #expect(try isAllowed("y.a.com", "/x/ok/1") == true)
        #expect(try isAllowed("b.a.com", "/x/ok/1") == false)
        #expect(try isAllowed("a.com", "/y") == nil)
        #expect(try isAllowed("c.com", "/only/this") == false)
        #expect(try isAllowed("x.c.com", "/only/this") == nil)
    }
}
