// The payload that older panels post to /manager, and the description of the API beside it.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct ManagerPayloadTests {
        /// Status and answer.
        private static func ask(
            _ server: PolicyServer, _ path: String, _ payload: String? = nil
        ) throws -> (status: Int, body: String) {
            let data = payload.map { ["-H", "Content-Type: application/json", "--data-binary", $0] } ?? []
            let result = try server.users.stage.curl(
                ["--unix-socket", server.users.socket, "-w", "\n%{http_code}", "http://localhost\(path)"] + data)
            let lines = result.output.split(separator: "\n")
            return (Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
        }

        @Test func `rules and bans come and go with the password of the token file, and with no other`() throws {
            try onStage { stage in
                let users: [[String: Any]] = [["name": "alice", "password": Method.blake3AES256.userKey]]
                let server = try PolicyServer(stage, others: ["admin": ["token_file": "token"], "users": users])
                let path = "\(server.users.state)/token"
                let token = try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .newlines)
                #expect(token.utf8.count == 64)
                var status = stat()
                #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
                func payload(_ function: String, _ url: String, user: String = "admin", _ password: String) -> String {
                    #"{"user":"\#(user)","pswrd":"\#(password)","func":"\#(function)","url":"\#(url)"}"#
                }
                for wrong in [
                    payload("blklst", "ads.example", ""), payload("blklst", "ads.example", String(token.dropLast())),
                    payload("blklst", "ads.example", user: "root", token), payload("nothing", "ads.example", token),
                    #"{"user":"admin"}"#, "[]", "{", payload("blklst", "a b", token), payload("blklst", "*", token),
                ] {
                    let answer = try Self.ask(server, "/manager", wrong)
                    #expect((400..<500).contains(answer.status), "\(wrong): \(answer)")
                    #expect(!answer.body.contains(token))
                }
                #expect(try !server.must(["blocked"]).output.contains("ads.example"))
                #expect(!server.process.errors.contains(token))
                func must(_ function: String, _ url: String) throws {
                    let answer = try Self.ask(server, "/manager", payload(function, url, token))
                    #expect(answer.status == 200, "\(function) \(url): \(answer)")
                }
                try must("blklst", "ads.example")
                #expect(try server.blocked("x.ads.example") == "blocked by commands:1 \"||ads.example^\"")
                try must("blklst", "http://other.example/secret")
                #expect(try server.blocked("http://other.example/secret/x").contains("blocked by"))
                try must("rmblklst", "ads.example")
                #expect(try server.blocked("x.ads.example") == "not blocked")
                try must("usrBan", "alice")
                #expect(try server.blocked("any.example", ["--user", "alice"]).contains("user:alice"))
                try must("usrUnban", "alice")
                #expect(try server.blocked("any.example", ["--user", "alice"]) == "not blocked")
                let alice = try server.users.client("\(server.users.key):\(Method.blake3AES256.userKey)")
                let origin = try stage.httpOrigin()
                func fetch() throws -> String {
                    try stage.curl(
                        CurlFront.http.arguments(alice.front) + [
                            "-o", "/dev/null", "-w", "%{http_code}", origin.url("/bytes/10"),
                        ]
                    ).output
                }
                try must("usrBan", "127.0.0.0/8")
                #expect(try fetch() == "403")
                try must("usrUnban", "127.0.0.0/8")
                #expect(try fetch() == "200")
                // Another password counts at once; a file that others may read is none.
                try Data("another good password\n".utf8).write(to: URL(fileURLWithPath: path))
                #expect(try Self.ask(server, "/manager", payload("blklst", "a.example", token)).status == 401)
                chmod(path, 0o644)
                #expect(
                    try Self.ask(server, "/manager", payload("blklst", "a.example", "another good password")).status
                        == 401)
            }
        }

        @Test func `without a token file nobody gets in, and a bad one is said at the start`() throws {
            try onStage { stage in
                let server = try PolicyServer(stage)
                let payload = #"{"user":"admin","pswrd":"","func":"blklst","url":"a.example"}"#
                let answer = try Self.ask(server, "/manager", payload)
                #expect(answer.status == 403 && answer.body.contains("token_file"), "\(answer)")
                let short = stage.workspace.unusedPath("short")
                try Data("short\n".utf8).write(to: URL(fileURLWithPath: short))
                chmod(short, 0o600)
                let config = try stage.workspace.config(
                    "bad.json",
                    [
                        "server": "127.0.0.1", "server_port": try Ports.free(), "method": "aes-256-gcm",
                        "password": "ein langes Passwort 12", "admin": ["token_file": short],
                        "state_directory": stage.workspace.unusedPath("other"),
                    ])
                let finished = try stage.run(.ssserver, ["run", "-c", config])
                #expect(finished.exit == .status(2) && finished.errors.contains("16 characters"), "\(finished.errors)")
            }
        }

        @Test func `the API says what it can, and all of it is there`() throws {
            try onStage { stage in
                let server = try PolicyServer(stage)
                let answer = try Self.ask(server, "/api/v1/openapi.json")
                let document = try #require(
                    try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any])
                #expect(document["openapi"] as? String == "3.1.0")
                let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
                for path in [
                    "/api/v1/status", "/api/v1/blacklist", "/api/v1/reload", "/api/v1/users/{name}", "/manager",
                ] {
                    #expect(paths[path] != nil, "\(path)")
                }
                for (path, methods) in paths {
                    for (method, operation) in methods {
                        #expect((operation["summary"] as? String)?.isEmpty == false, "\(method) \(path)")
                        guard method == "get", !path.contains("{") else { continue }
                        let parameters = operation["parameters"] as? [[String: Any]] ?? []
                        let needsMore = parameters.contains { $0["required"] as? Bool == true }
                        #expect(try Self.ask(server, path).status == (needsMore ? 400 : 200), "\(path)")
                    }
                }
            }
        }
    }
}
