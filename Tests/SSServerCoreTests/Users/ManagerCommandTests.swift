import SSCommon
import Testing

@testable import SSServerCore

@Suite("Commands of panels")
struct ManagerCommandTests {
    private func parse(_ text: String) throws -> ManagerCommand { try ManagerCommand(Array(text.utf8)) }

    @Test func `every spelling the peers' panels use is understood`() throws {
        #expect(try parse("ping") == .ping)
        #expect(try parse("ping\n") == .ping)
        #expect(try parse(" list ") == .list)
        #expect(try parse("remove: {\"server_port\": 8001}") == .remove(8001))
        #expect(try parse("remove:{\"server_port\":\"8001\"}") == .remove(8001))
        #expect(try parse("remove: {\"server_port\":8001}\n\0") == .remove(8001))
        guard case .add(let port) = try parse("add: {\"server_port\": 8001, \"password\":\"7cd308cc059\"}") else {
            Issue.record("no port")
            return
        }
        #expect(port.port == 8001 && port.password == "7cd308cc059" && port.method == nil && port.mode == nil)
        #expect(!"\(port)".contains("7cd308cc059"), "a password is not printed")
    }

    @Test func `method, mode and users are taken, and what else a panel sends is let be`() throws {
        let text = """
            add: {"server_port": 8001, "password": "p", "method": "aes-256-gcm", "mode": "tcp_only", "fast_open": true,
              "no_delay": false, "plugin": "", "users": [{"name": "a", "password": "k"}], "email": "x@example.org"}
            """
        guard case .add(let port) = try parse(text) else {
            Issue.record("no port")
            return
        }
        #expect(port.method == .aes256GCM && port.mode == .tcpOnly)
        #expect(port.users.map(\.name) == ["a"] && port.users.map(\.password) == ["k"])
    }

    @Test(arguments: [
        "", ":", "pong", "add", "add:", "add: {", "add: []", "add: {}", "add: {\"server_port\": 8001}",
        "add: {\"server_port\": 0, \"password\": \"p\"}", "add: {\"server_port\": 65536, \"password\": \"p\"}",
        "add: {\"server_port\": \"x\", \"password\": \"p\"}", "add: {\"server_port\": 1.5, \"password\": \"p\"}",
        "add: {\"server_port\": 8001, \"password\": \"\"}", "add: {\"server_port\": 8001, \"password\": 7}",
        "add: {\"server_port\": 8001, \"password\": \"p\", \"method\": \"rc4-md5\"}",
        "add: {\"server_port\": 8001, \"password\": \"p\", \"mode\": \"both\"}",
        "add: {\"server_port\": 8001, \"password\": \"p\", \"plugin\": \"obfs-server\"}",
        "add: {\"server_port\": 8001, \"password\": \"p\", \"users\": [{}]}", "remove", "remove: {}", "remove: 8001",
    ])
    func `what is no command says so`(text: String) {
        #expect(throws: ManagerCommand.Fault.self) { try parse(text) }
    }

    @Test func `no bytes make it trap, and no fault repeats a password`() throws {
        let whole = Array("add: {\"server_port\": 8001, \"password\": \"SECRET\", \"method\": \"x\"}".utf8)
        for end in whole.indices { _ = try? ManagerCommand(Array(whole[..<end])) }
        for index in whole.indices {
            for byte: UInt8 in [0, 0x22, 0x7b, 0xff] {
                var altered = whole
                altered[index] = byte
                do throws(ManagerCommand.Fault) {
                    _ = try ManagerCommand(altered)
                } catch {
                    #expect(!error.description.contains("SECRET"))
                }
            }
        }
    }
}
