// ss:// links: no text is a trap, and a link written in any of the four ways gives back what went in.
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

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    switch input.byte() & 3 {
    case 0:
        let password = input.text()
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
    }
    return 0
}
