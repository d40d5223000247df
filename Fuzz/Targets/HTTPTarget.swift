// The parts of an HTTP head that have a grammar of their own: start lines, request targets, authorities, credentials.
import SSCommon

@testable import Front

private func checkAuthority(_ authority: HTTPAuthority) {
    guard let target = authority.target(defaultPort: 80) else { fatalError("an authority that cannot be dialled") }
    check(target.port == authority.port ?? 80, "another port")
    let field = authority.hostField(defaultPort: 80)
    check(field.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "a foreign byte in a Host field")
    guard let again = try? HTTPAuthority(Array(field.utf8)[...]) else { fatalError("a Host field not readable again") }
    check(again.target(defaultPort: 80) == target, "written and read again, it is another host")
    check(again.hostField(defaultPort: 80) == field, "no stable spelling")
}

private func checkTarget(_ bytes: [UInt8], method: String) {
    guard let target = try? HTTPTarget(method: Array(method.utf8)[...], target: bytes[...]) else { return }
    switch target {
    case .absolute(let authority, let path):
        checkAuthority(authority)
        check(path.first == UInt8(ascii: "/") || path == [UInt8(ascii: "*")], "a path that begins with no slash")
        check(path.count <= bytes.count + 1, "a path longer than its target")
    case .authority(let authority):
        checkAuthority(authority)
        check(authority.port != nil && method == "CONNECT", "CONNECT without a port")
    case .origin(let path): check(path == bytes, "a path that was not written so")
    case .asterisk: check(bytes == [UInt8(ascii: "*")], "an asterisk out of something else")
    }
}

private func checkCredentials(_ value: [UInt8]) {
    let wire = Array("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nProxy-Authorization: ".utf8) + value + Array("\r\n\r\n".utf8)
    var parser = HTTPHeadParser(.request)
    // What is no field value does not get as far as the reader of credentials.
    guard let (head, _) = try? parser.parse(wire.span.bytes), let credentials = ProxyCredentials(head) else { return }
    check(!credentials.name.contains(UInt8(ascii: ":")), "a colon in a name")
    check(credentials.name.count + credentials.password.count < value.count, "longer than its code")
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    let bytes = input.rest()
    // A target has come through the request line, which lets none of these pass.
    let visible = bytes.filter { $0 > 0x20 && $0 != 0x7f }
    switch mode % 8 {
    case 0: if let authority = try? HTTPAuthority(bytes[...]) { checkAuthority(authority) }
    case 1: checkTarget(visible, method: "GET")
    case 2: checkTarget(Array("http://".utf8) + visible, method: "OPTIONS")
    case 3: checkTarget(visible, method: "CONNECT")
    case 4:
        if let line = try? HTTPRequestLine(bytes[...]) {
            check(line.method.count + line.target.count + 10 == bytes.count, "a request line of other parts")
            check((0...1).contains(line.minorVersion), "another version")
        }
    case 5:
        if let line = try? HTTPStatusLine(bytes[...]) { check((100...599).contains(line.status), "another status") }
    case 6: checkCredentials(bytes)
    default: checkCredentials(Array("Basic ".utf8) + bytes)
    }
    return 0
}
