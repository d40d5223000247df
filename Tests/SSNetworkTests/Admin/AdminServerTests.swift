import Glibc
import SSCommon
import Testing

@testable import SSNetwork

@Suite("The admin API's socket")
struct AdminServerTests {
    @Test func `a request reaches its route, and its parts the action`() async throws {
        try await withServer { (client) throws in
            let answer = try client.send(.get, "/users/al%2Fice?month=1&month=2&x")
            #expect(answer.status == 200)
            #expect(answer.json?["name"]?.text == "al/ice")
            #expect(answer.json?["month"]?.text == "1")
            let posted = try client.send(.post, "/users", .members(["name": "bob\n\u{1F600}\"\\"]))
            #expect(posted.status == 201)
            #expect(posted.json?["name"]?.text == "bob\n\u{1F600}\"\\")
        }
    }

    @Test func `what has no route is 404, and the wrong method 405`() async throws {
        try await withServer { (client) throws in
            #expect(try client.send(.get, "/nowhere").status == 404)
            #expect(try client.send(.delete, "/users").status == 405)
            let refused = try client.send(.delete, "/users")
            #expect(refused.error == "this path takes POST")
            #expect(try client.send(.get, "/users/%zz").status == 400)
        }
    }

    @Test func `an action's refusal is told with its status`() async throws {
        try await withServer { (client) throws in
            let answer = try client.send(.post, "/users", .members(["name": 7]))
            #expect(answer.status == 400)
            #expect(answer.error == "no name")
        }
    }

    @Test(arguments: ["", "[]", "{", "{\"name\":}", "\u{0}"])
    func `a body that is no JSON object is refused`(body: String) async throws {
        try await withServer { (client) throws in
            let answer = try raw(
                client.path,
                "POST /users HTTP/1.1\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
        }
    }

    @Test func `a body beyond the limit is refused, and one at the limit is not`() async throws {
        try await withServer { (client) throws in
            let room = AdminHandler.maximumBody - #"{"name":""}"#.utf8.count
            let fits = JSONNode.members(["name": .string(String(repeating: "x", count: room))])
            #expect(try client.send(.post, "/users", fits).status == 201)
            let large = JSONNode.members(["name": .string(String(repeating: "x", count: room + 1))])
            #expect(try client.send(.post, "/users", large).status == 413)
        }
    }

    @Test(arguments: ["\u{16}\u{3}\u{1}", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nA b: c\r\n\r\n"])
    func `what is no HTTP ends the connection and nothing else`(bytes: String) async throws {
        try await withServer { (client) throws in
            _ = try raw(client.path, bytes)
            #expect(try client.send(.get, "/users/a").status == 200)
        }
    }

    @Test func `the socket is the owner's alone, and gone when the server is`() async throws {
        try await inDirectory { directory in
            let path = directory + "/admin.sock"
            let server = try await AdminServer(path: path, routes: routes)
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
            await server.close()
            #expect(stat(path, &status) == -1)
        }
    }

    @Test func `a socket left behind is replaced, one in use is not`() async throws {
        try await inDirectory { directory in
            let path = directory + "/admin.sock"
            close(try UnixSocket(binding: path).descriptor)
            let server = try await AdminServer(path: path, routes: routes)
            await #expect(throws: AdminServer.Failure.self) { try await AdminServer(path: path, routes: routes) }
            #expect(try AdminClient(path: path).send(.get, "/users/a").status == 200)
            await server.close()
        }
    }

    @Test func `a file that is no socket is left alone`() async throws {
        try await inDirectory { directory in
            let path = directory + "/admin.sock"
            close(creat(path, 0o600))
            await #expect(throws: AdminServer.Failure.self) { try await AdminServer(path: path, routes: routes) }
            #expect(access(path, F_OK) == 0)
        }
    }

    @Test func `a path the system cannot take is told as that`() async throws {
        let path = "/tmp/" + String(repeating: "x", count: 200)
        do {
            _ = try await AdminServer(path: path, routes: routes)
            Issue.record("it was taken")
        } catch {
            #expect(error.description.hasPrefix("the path has 205 bytes, the system takes "))
        }
        #expect(throws: AdminClient.Failure.self) { try AdminClient(path: path).send(.get, "/") }
    }

    @Test func `beyond its number connections are closed, and come again when others have gone`() async throws {
        try await withServer { (client) throws in
            var open: [CInt] = []
            for _ in 0..<64 {
                let descriptor = try UnixSocket.connect(client.path)
                // One request each, so that they are known to have been accepted.
                try ask(descriptor)
                open.append(descriptor)
            }
            let refused = try UnixSocket.connect(client.path)
            var byte: UInt8 = 0
            #expect(read(refused, &byte, 1) == 0)
            close(refused)
            for descriptor in open { close(descriptor) }
            for _ in 0..<100 {
                if (try? client.send(.get, "/users/a"))?.status == 200 { return }
                usleep(20_000)
            }
            Issue.record("it takes no connections any more")
        }
    }

    @Test func `an answer that is no HTTP is a failure`() throws {
        #expect(throws: AdminClient.Failure.self) { try AdminClient.parse(Array("SSH-2.0-x\r\n\r\n".utf8)) }
        #expect(throws: AdminClient.Failure.self) { try AdminClient.parse([]) }
        #expect(throws: AdminClient.Failure.self) { try AdminClient.parse(Array("HTTP/1.1 x\r\n\r\n".utf8)) }
        #expect(try status("HTTP/1.1 204 No Content\r\nA: b\r\n\r\n") == 204)
    }

    // MARK: Stage

    private var routes: AdminRoutes {
        var routes = AdminRoutes()
        routes.on(.get, "/users/:name", AdminDescription("One.", query: [.init("month", "which")])) { request in
            AdminResponse(
                200,
                .members(["name": JSONNode(request.parameters["name"]), "month": JSONNode(request.query["month"])]))
        }
        routes.on(
            .post, "/users", AdminDescription("A new one.", body: [.init("name", "who", isNeeded: true)], success: 201)
        ) { request throws(AdminFailure) in
            guard let name = try request.json()["name"]?.text else { throw AdminFailure(400, "no name") }
            return AdminResponse(201, .members(["name": .string(name)]))
        }
        return routes
    }

    private func withServer(_ body: (AdminClient) throws -> Void) async throws {
        try await inDirectory { directory in
            let server = try await AdminServer(path: directory + "/admin.sock", routes: routes)
            let result = Result { try body(AdminClient(path: server.path)) }
            await server.close()
            try result.get()
        }
    }

    private func inDirectory(_ body: (String) async throws -> Void) async throws {
        var template = Array("/tmp/ss-admin-XXXXXX".utf8CString)
        let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            for name in ["/admin.sock"] { unlink(directory + name) }
            rmdir(directory)
        }
        try await body(directory)
    }

    /// What comes back until the end.
    private func raw(_ path: String, _ bytes: String) throws -> String {
        let descriptor = try UnixSocket.connect(path)
        defer { close(descriptor) }
        let text = Array(bytes.utf8)
        #expect(write(descriptor, text, text.count) == text.count)
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = read(descriptor, &chunk, 4096), count > 0 { answer += chunk[..<count] }
        return String(decoding: answer, as: UTF8.self)
    }

    private func ask(_ descriptor: CInt) throws {
        let text = Array("GET /users/a HTTP/1.1\r\n\r\n".utf8)
        #expect(write(descriptor, text, text.count) == text.count)
        var chunk = [UInt8](repeating: 0, count: 4096)
        #expect(read(descriptor, &chunk, 4096) > 0)
    }
}

extension AdminClient {
    /// The expectation macro cannot take errors with a type.
    fileprivate func send(_ method: AdminMethod, _ target: String, _ body: JSONNode? = nil) throws -> Answer {
        try request(method, target, body)
    }
}

private func status(_ answer: String) throws -> Int { try AdminClient.parse(Array(answer.utf8)).status }
