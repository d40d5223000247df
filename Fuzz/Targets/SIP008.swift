// SIP008 documents and lists of links: whatever is in them, there is a bounded number of servers, each of which can be used or
// says why not; what is said about the rest is short and harmless, and what we write is read as the same.
// words: config
// words: link
import SSCommon

private func checkServers(_ servers: [ServerLink], among count: Int) {
    check(servers.count <= SIP008Document.serverLimit, "more servers than anybody has")
    for server in servers {
        check(!server.host.isEmpty && server.port > 0 && !server.password.isEmpty, "a server without a place or a key")
        // A byte that is no UTF-8 becomes three.
        check(server.password.utf8.count <= 3 * count, "longer than the text")
    }
}

private func checkDiagnostics(_ diagnostics: [Diagnostic], hides secret: String?) {
    check(diagnostics.count <= 201, "more findings than anyone will read")
    let rendered = DiagnosticRenderer().render(diagnostics)
    check(rendered.utf8.count <= 8192 * 201, "findings without bound")
    check(rendered.split(separator: "\n").allSatisfy { isHarmless($0) }, "foreign control characters in a finding")
    for diagnostic in diagnostics {
        let json = Array(diagnostic.jsonLine.utf8)
        check(!json.contains(UInt8(ascii: "\n")) && strictJSON(json)?.count == 7, "no JSON for the editor")
    }
    if let secret { check(!rendered.contains(secret), "shows a password") }
}

/// Written and read again; what a document cannot say, which only a link can, is left out.
private func checkWriting(_ servers: [ServerLink]) {
    let text = SIP008Document(servers).text
    let again = SIP008Document(Array(text.utf8), path: "again")
    // A link may name what a document is refused for: a method of others, a host that is everywhere.
    let usable = servers.filter { (try? $0.endpoint()) != nil }
    for server in usable {
        check(
            again.servers.contains {
                $0.host == server.host && $0.port == server.port && $0.password == server.password
            },
            "a server is lost")
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    var bytes = input.rest()
    let secret = "Zq7-kY3rJ0n8w2vQ5t"
    var hidden: String?
    if mode & 1 == 1 {
        // An entry that is good, beside one that may be anything.
        let entry = "\"server\": \"192.0.2.1\", \"server_port\": 1, \"method\": \"aes-256-gcm\""
        hidden = String(decoding: bytes, as: UTF8.self).contains(secret) ? nil : secret
        bytes =
            Array("{\"version\":1,\"servers\":[{\(entry), \"password\": \"\(secret)\"},\n".utf8) + bytes
            + Array("]}".utf8)
    }
    if mode & 2 == 2 {
        let list = ServerList(bytes, path: "standard input")
        checkServers(list.servers, among: bytes.count)
        checkDiagnostics(list.diagnostics, hides: hidden)
        checkWriting(list.servers)
    } else {
        let document = SIP008Document(bytes, path: "s.json")
        checkServers(document.servers, among: bytes.count)
        checkDiagnostics(document.diagnostics, hides: hidden)
        checkWriting(document.servers)
        let again = SIP008Document(Array(document.text.utf8), path: "again")
        check(again.diagnostics.isEmpty, "our document has faults")
        check(again.servers.map(\.password) == document.servers.map(\.password), "our document says something else")
    }
    return 0
}
