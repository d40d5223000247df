import SSCommon
import Testing

@testable import SSServerCore

@Suite("A request as the cache reads it")
struct CacheRequestTests {
    private func read(_ fields: [String], _ line: String = "GET / HTTP/1.1") throws -> CacheRequest {
        CacheRequest(try question(fields, line))
    }

    private func isNoCache(_ fields: [String]) throws -> Bool { try !read(fields).directives.noCache.isAbsent }

    @Test(
        "Methods are of four sorts, and are told apart by case (RFC 9110 9.1, 9.2.1)",
        arguments: [
            ("GET", .get), ("HEAD", .head), ("OPTIONS", .safe), ("TRACE", .safe), ("POST", .unsafe), ("PUT", .unsafe),
            ("DELETE", .unsafe), ("PATCH", .unsafe), ("M-SEARCH", .unsafe), ("get", .unsafe), ("Head", .unsafe),
            ("GETX", .unsafe), ("G", .unsafe),
        ] as [(String, CacheRequest.Method)])
    func methods(method: String, expected: CacheRequest.Method) throws {
        #expect(try read([], "\(method) / HTTP/1.1").method == expected)
    }

    @Test("Fields are found in any case, and are not taken for others of the same length")
    func fields() throws {
        let request = try read([
            "COOKIE: a=b", "authorization: x", "IF-NONE-MATCH: \"a\"", "if-modified-since: b", "If-Range: \"c\"",
            "RANGE: bytes=1-2",
        ])
        #expect(request.hasCookie && request.hasAuthorization && request.hasRange && request.isConditional)
        #expect(request.ifNoneMatch?.map(words) == ["\"a\""] && request.ifModifiedSince.map(words) == "b")
        #expect(request.ifRange.map(words) == "\"c\"" && request.range == .from(1, through: 2))
        #expect(!request.hasOriginCondition)
        let other = try read([
            "Cookix: a=b", "authorizatiom: x", "If-None-Matsh: a", "If-Modified-Sinse: b", "If-Rango: c",
            "Rango: bytes=1-2",
            "cache-contrax: no-store", "Pragmx: no-cache", "If-Matsh: a",
        ])
        #expect(!other.hasCookie && !other.hasAuthorization && !other.hasRange && !other.isConditional)
        #expect(other.ifRange == nil && !other.directives.noStore && other.directives.noCache.isAbsent)
        #expect(other.mayShare)
    }

    @Test("Cache-Control of all lines is read")
    func control() throws {
        let request = try read(["Cache-Control: max-age=5", "cache-control: no-store, only-if-cached"])
        #expect(request.directives.maxAge == 5 && request.directives.noStore && request.directives.onlyIfCached)
    }

    @Test("Pragma: no-cache counts where there is no Cache-Control (RFC 9111 5.4), on any line and in any list")
    func pragma() throws {
        #expect(try isNoCache(["Pragma: no-cache"]))
        #expect(try isNoCache(["pragma: x, NO-CACHE"]))
        #expect(try isNoCache(["Pragma: x", "Pragma: no-cache"]))
        #expect(try isNoCache(["Pragma: no-cache", "Pragma: x"]))
        #expect(try !isNoCache(["Pragma: x"]))
        #expect(try !isNoCache(["Pragma: no-cache", "Cache-Control: max-age=5"]))
        #expect(try !isNoCache(["Cache-Control: max-stale", "Pragma: no-cache"]))
        #expect(try isNoCache(["Cache-Control: no-cache"]))
    }

    @Test("Range twice, or one that cannot be read, is a Range that is ignored")
    func ranges() throws {
        for fields in [["Range: bytes=0-1", "Range: bytes=2-3"], ["Range: x"], ["Range: bytes=0-1, 3-4"], ["Range:"]] {
            let request = try read(fields)
            #expect(request.hasRange && request.range == nil)
        }
    }

    @Test(
        "If-Match and If-Unmodified-Since are the origin's (RFC 9111 4.3.2)",
        arguments: ["If-Match: *", "if-unmodified-since: x"])
    func originConditions(line: String) throws {
        let request = try read([line])
        #expect(request.hasOriginCondition && request.isConditional && !request.mayShare)
    }

    @Test("A body is seen by its framing")
    func bodies() throws {
        #expect(try read(["Content-Length: 1"]).hasBody)
        #expect(try read(["Transfer-Encoding: chunked"]).hasBody)
        #expect(try !read(["Content-Length: 0"]).hasBody)
    }

    @Test(
        "Only plain GETs wait for one another's answers",
        arguments: [
            ([], true), (["Cookie: a=b"], true), (["Cache-Control: max-stale=5"], true),
            (["Range: bytes=0-1"], false), (["Range: x"], false), (["If-None-Match: *"], false),
            (["If-Modified-Since: x"], false), (["Authorization: x"], false), (["Cache-Control: no-store"], false),
            (["Cache-Control: no-cache"], false), (["Pragma: no-cache"], false), (["Cache-Control: max-age=0"], false),
            (["Cache-Control: min-fresh=5"], false), (["Content-Length: 5"], false),
        ] as [([String], Bool)])
    func sharing(fields: [String], expected: Bool) throws {
        #expect(try read(fields).mayShare == expected)
        #expect(try !read(fields, "HEAD / HTTP/1.1").mayShare)
        #expect(try !read(fields, "POST / HTTP/1.1").mayShare)
    }
}
