// git by its smart protocol: what must be asked each time is, and bodies go both ways, by length and in chunks.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheGitTests {
        @Test(
            "git clones, fetches and pushes by its smart protocol, and sees each commit at once",
            arguments: ["socks5h", "http"])
        func smart(_ scheme: String) throws {
            try onStage { stage in
                let site = try GitSite(stage)
                let running = try stage.runCache([site.port])
                let proxy = ["-c", "http.proxy=\(scheme)://\(running.front)"]

                let first = try site.commit("one", 2_000_000)
                try site.git(["push", "-q", site.served, "main"], in: site.work)
                let (near, far) = ("\(site.place)/near", "\(site.place)/far")
                try site.git(proxy + ["clone", "-q", site.url(), near])
                try site.git(["fsck", "--strict"], in: near)
                #expect(try site.head(of: near) == first)

                let second = try site.commit("two", 300_000)
                try site.git(["push", "-q", site.served, "main"], in: site.work)
                try site.git(proxy + ["fetch", "-q"], in: near)
                #expect(try site.head(of: near, "origin/main") == second)
                try site.git(proxy + ["clone", "-q", site.url(), far])
                #expect(try site.head(of: far) == second)

                // More than git sends by length.
                let third = try site.commit("three", 3_000_000, in: far)
                try site.git(proxy + ["-c", "http.postBuffer=65536", "push", "-q", "origin", "main"], in: far)
                #expect(try site.head(of: site.served, "main") == third)
                try site.git(proxy + ["pull", "-q", "--ff-only"], in: near)
                for name in ["one", "two", "three"] {
                    let ours = FileManager.default.contents(atPath: "\(near)/\(name)")
                    #expect(ours != nil && ours == FileManager.default.contents(atPath: "\(far)/\(name)"), "\(name)")
                }
                try site.git(["fsck", "--strict"], in: near)
                #expect(site.count("GET /served.git/info/refs") == 5, "\(site.lines)")
                #expect(site.count("POST /served.git/git-receive-pack") >= 1, "\(site.lines)")
            }
        }
    }
}

/// A repository that `git http-backend` serves, and one that commits are made in.
private struct GitSite {
    let stage: Stage
    let place: String
    let port: UInt16
    private let program: String
    private let process: ProcessUnderTest

    var work: String { "\(place)/work" }
    var served: String { "\(place)/served.git" }
    /// One for each request.
    var lines: [String] { process.errorLines }

    init(_ stage: Stage) throws {
        self.stage = stage
        place = stage.workspace.unusedPath("git")
        port = try Ports.free()
        program = try Tool.git.path()
        process = try stage.start(
            Tool.python3.path(), ["-c", Self.script, "\(port)", place])
        for arguments in [["init", "-q", "-b", "main", work], ["init", "-q", "-b", "main", "--bare", served]] {
            try git(arguments)
        }
        try git(["config", "http.receivepack", "true"], in: served)
        try process.waitUntilListening([port])
    }

    func url() -> String { "http://localhost:\(port)/served.git" }
    func count(_ words: String) -> Int { lines.filter { $0.contains(words) }.count }

    @discardableResult
    func git(_ arguments: [String], in directory: String? = nil) throws -> String {
        let place = directory.map { ["-C", $0] } ?? []
        let identity = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "gc.auto=0"]
        let result = try stage.run(
            program, place + identity + arguments, seconds: 30, environment: ["GIT_TERMINAL_PROMPT": "0"])
        guard result.exit == .status(0) else { throw HarnessError("git \(arguments): \(result.errors)") }
        return result.output.trimmingCharacters(in: .newlines)
    }

    func head(of directory: String, _ name: String = "HEAD") throws -> String {
        try git(["rev-parse", name], in: directory)
    }

    /// Adds a file of that name; the commit.
    func commit(_ name: String, _ count: Int, in directory: String? = nil) throws -> String {
        let directory = directory ?? work
        try Data(Made.body(name, count)).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
        try git(["add", name], in: directory)
        try git(["commit", "-qm", name], in: directory)
        return try head(of: directory)
    }

    /// RFC 3875 round `git http-backend`; answers leave in chunks.
    private static let script = """
        import http.server, os, subprocess, sys

        class Site(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def body(self):
                if self.headers.get('Transfer-Encoding') != 'chunked':
                    return self.rfile.read(int(self.headers.get('Content-Length') or 0))
                whole = b''
                while size := int(self.rfile.readline(), 16):
                    whole += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return whole

            def answer(self):
                path, _, query = self.path.partition('?')
                body, fields = self.body(), self.headers
                environment = dict(
                    os.environ, GIT_PROJECT_ROOT=sys.argv[2], GIT_HTTP_EXPORT_ALL='1', PATH_INFO=path,
                    REQUEST_METHOD=self.command, QUERY_STRING=query, CONTENT_LENGTH=str(len(body)),
                    CONTENT_TYPE=fields.get('Content-Type') or '', GIT_PROTOCOL=fields.get('Git-Protocol') or '',
                    HTTP_CONTENT_ENCODING=fields.get('Content-Encoding') or '')
                made = subprocess.run(['git', 'http-backend'], input=body, stdout=subprocess.PIPE, env=environment)
                head, _, content = made.stdout.partition(b'\\r\\n\\r\\n')
                lines = dict(line.split(': ', 1) for line in head.decode().split('\\r\\n'))
                self.send_response(int(lines.pop('Status', '200').split()[0]))
                for name, value in lines.items(): self.send_header(name, value)
                self.send_header('Transfer-Encoding', 'chunked')
                self.end_headers()
                for start in range(0, len(content), 50000):
                    piece = content[start:start + 50000]
                    self.wfile.write(b'%x\\r\\n%s\\r\\n' % (len(piece), piece))
                self.wfile.write(b'0\\r\\n\\r\\n')

            do_GET = do_POST = answer

        http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Site).serve_forever()
        """
}
