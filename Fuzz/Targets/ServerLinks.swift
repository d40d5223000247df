// ss:// links: no text is a trap, a link written in any of the four ways gives back what went in, and what we write says what
// was read.
// words: link
import SSCommon

private func percentEncoded(_ text: String) -> String {
    text.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

private func urlSafe(_ text: String) -> String {
    String(text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }.filter { $0 != "=" })
}

/// Every way of writing a server down.
private func spellings(_ method: String, _ password: String, _ authority: String) -> [String] {
    let user = "\(method):\(password)"
    return [
        "ss://\(percentEncoded(user))@\(authority)",
        "ss://\(Base64.encode(Array(user.utf8)))@\(authority)",
        "SS://\(urlSafe(Base64.encode(Array(user.utf8))))@\(authority)/?plugin=#x",
        "ss://\(Base64.encode(Array("\(user)@\(authority)".utf8)))#x",
    ]
}

/// Our own spelling is read as the same server, and is the only one.
private func checkWriting(_ link: ServerLink) {
    let text = link.text
    check(text.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "a link that is not printable")
    guard text.utf8.count <= ServerLink.maximumLength else { return }
    guard let again = try? ServerLink(text) else { fatalError("a link of ours that is none") }
    check(again == link && again.text == text, "our link says something else")
    if let older = link.olderText, older.utf8.count <= ServerLink.maximumLength {
        check((try? ServerLink(older)) == link, "our older link says something else")
    }
    if let endpoint = try? link.endpoint() { check(endpoint.address.port == link.port, "another port") }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    switch input.byte() & 3 {
    case 0:
        let password = input.text()
        if password.isEmpty || password.utf8.contains(0) || password.utf8.count > 2048 { return 0 }
        for text in spellings("aes-256-gcm", password, "[2001:db8::1]:443") {
            guard let link = try? ServerLink(text) else { fatalError("a link that is none") }
            check(link.method == "aes-256-gcm" && Array(link.password.utf8) == Array(password.utf8), "another key")
            check(link.host == "2001:db8::1" && link.port == 443, "another host")
        }
    case 1:
        let bytes = input.rest()
        let text = Base64.encode(bytes)
        check(Base64.decode(text) == bytes, "Base64 does not come back")
        check(Base64.decode(urlSafe(text)) == bytes, "URL-safe Base64 does not come back")
        if let decoded = Base64.decode(String(decoding: bytes, as: UTF8.self)) {
            check(decoded.count * 4 <= bytes.count * 3, "longer than its code")
        }
    case let mode:
        let text = (mode == 2 ? "" : "ss://") + input.text()
        guard let link = try? ServerLink(text) else { return 0 }
        check(!link.host.isEmpty && link.port > 0, "a link without a host or a port")
        check("\(link)" == "ss://***", "a link that shows its key")
        check(link.method.utf8.count + link.password.utf8.count < text.utf8.count, "longer than the link")
        checkWriting(link)
    }
    return 0
}
