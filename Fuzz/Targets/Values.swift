// The small grammars of settings: address ranges, name servers, hosts with ports, times, sizes, numbers, passwords; and
// text on a page. What is read and written again must be read as the same.
// words: values
import SSCommon

@testable import Front

private func checkPrefix(_ text: String) {
    guard let prefix = IPPrefix(text) else { return }
    check(IPPrefix(prefix.description) == prefix, "a range that prints to another")
    check(prefix.contains(prefix.address), "a range without its first address")
}

private func checkNameservers(_ text: String) {
    guard let servers = try? Nameserver.list(text) else { return }
    check((1...Nameserver.limit).contains(servers.count), "more servers than allowed")
    let written = servers.map { ($0.transport == .udp ? "udp" : "tcp") + "://\($0.endpoint)" }
    check((try? Nameserver.list(written.joined(separator: ","))) == servers, "name servers that print to others")
}

private func checkHostPort(_ text: String) {
    do throws(HostPort.Fault) {
        let value = try HostPort(text)
        check(value.port != 0, "port 0")
        if case .name(let name) = value.host, name.bytes.contains(where: { $0 >= 0x80 }) { return }
        check((try? HostPort(value.description)) == value, "a host that prints to another")
    } catch {
        let said = error.message + error.label + (error.help ?? "")
        check(said.utf8.count <= 2048 && isHarmless(said), "a fault that is long or harmful")
    }
}

private func checkQuantities(_ text: String) {
    if let time = Quantity.time(text) {
        let (seconds, attoseconds) = time.components
        check(seconds >= 0 && seconds <= 100 * 365 * 86_400, "a time out of bounds")
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        check(Quantity.time("\(milliseconds)ms") == time, "a time that prints to another")
    }
    if let size = Quantity.size(text) {
        check(size <= UInt64(Int64.max) && Quantity.size("\(size)") == size, "a size that prints to another")
    }
    if let number = JSONNumber.integer(text) {
        check(JSONNumber.integer("\(number)") == number, "a number that prints to another")
    }
}

/// Words that name something, and what merely must not trap.
private func checkWords(_ text: String) {
    if let level = LogLevel(name: text) { check(LogLevel(name: "\(level.name)") == level, "a level of another name") }
    if let near = NearestName.of(text, among: CipherMethod.allCases.map(\.rawValue)) {
        check(CipherMethod(rawValue: near) != nil, "near to nothing")
    }
    _ = PasswordStrength(of: text)
    let quoted = TerminalText.quote(text)
    check(isHarmless(quoted) && quoted.utf8.count <= 1024, "a quotation that is long or harmful")
    let escaped = Page.escape(text)
    check(!escaped.contains { "<>\"'".contains($0) }, "markup out of text on a page")
    check(escaped.split(separator: "\n").allSatisfy { isHarmless($0) }, "a control character on a page")
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    let text = input.text()
    switch mode % 5 {
    case 0: checkPrefix(text)
    case 1: checkNameservers(text)
    case 2: checkHostPort(text)
    case 3: checkQuantities(text)
    default: checkWords(text)
    }
    return 0
}
