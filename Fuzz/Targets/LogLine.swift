// Log lines about foreign names and texts: one line each, harmless, bounded, and for their readers exactly the fields
// that went in.
// words: config
import SSCommon

private func line(_ format: LogFormat, _ write: (inout LogFormatter, inout [UInt8]) -> Void) -> [UInt8] {
    var formatter = LogFormatter(format: format)
    var line: [UInt8] = []
    write(&formatter, &line)
    check(line.last == UInt8(ascii: "\n") && line.count { $0 == UInt8(ascii: "\n") } == 1, "more or less than a line")
    guard let text = String(validating: line.dropLast(), as: UTF8.self) else { fatalError("no UTF-8") }
    check(isHarmless(text), "a foreign control character")
    return line
}

/// The fields of a logfmt line; nil if a reader could see them differently.
private func logfmt(_ bytes: ArraySlice<UInt8>) -> [String: String]? {
    var rest = bytes
    var fields: [String: String] = [:]
    while true {
        let key = rest.prefix { $0 != UInt8(ascii: "=") }
        rest = rest.dropFirst(key.count + 1)
        var value = rest.prefix { $0 != UInt8(ascii: " ") }
        if rest.first == UInt8(ascii: "\"") {
            // A quoted value is a JSON string; its end is the first quote without a backslash.
            var end = rest.startIndex + 1
            while end < rest.endIndex, rest[end] != UInt8(ascii: "\"") {
                end += rest[end] == UInt8(ascii: "\\") ? 2 : 1
            }
            guard end < rest.endIndex else { return nil }
            value = rest[...end]
            guard let object = strictJSON(Array("{\"v\":".utf8) + value + [UInt8(ascii: "}")]), let text = object["v"]
            else { return nil }
            fields[String(decoding: key, as: UTF8.self)] = text
        } else {
            if value.isEmpty || value.contains(where: { "\"=\\".utf8.contains($0) }) { return nil }
            fields[String(decoding: key, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
        }
        rest = rest.dropFirst(value.count)
        if key.isEmpty { return nil }
        if rest.isEmpty { return fields }
        guard rest.popFirst() == UInt8(ascii: " ") else { return nil }
    }
}

private func checkFields(_ format: LogFormat, _ line: [UInt8], count: Int) -> [String: String] {
    let fields = format == .json ? strictJSON(Array(line.dropLast())) : logfmt(line.dropLast())
    guard let fields else { fatalError("a line its readers cannot read") }
    check(fields.count == count, "other fields than went in")
    return fields
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    var seconds: UInt64 = 0
    for byte in input.take(8) { seconds = seconds << 8 | UInt64(byte) }
    let time = LogTime(seconds: Int64(bitPattern: seconds), offset: mode & 1 == 1 ? -12_600 : 0)
    let peer = Endpoint(.v6(IPv6Address(high: seconds, low: UInt64(mode))), 80)
    let folded = Endpoint(peer.address.folded, peer.port)
    let name = input.shortText()
    let bytes = input.take(700)
    let text = String(decoding: bytes, as: UTF8.self)
    let host = HostName([UInt8](bytes.filter { $0 != 0 }.prefix(255)))
    let target = TargetAddress(host.map { .name($0) } ?? .ip(peer.address), port: 443)
    for format in LogFormat.allCases {
        let connecting = line(format) { $0.append(.connecting(target, peer: peer), at: time, to: &$1) }
        let blocked = line(format) {
            $0.append(.blocked(target, peer: peer, rule: text, source: name), at: time, to: &$1)
        }
        let general = line(format) { $0.append(.error, text, [(name, text), ("n", "1")], at: time, to: &$1) }
        check(connecting.count <= 800 && blocked.count <= 2000 && general.count <= 3000, "a line without bound")
        switch format {
        case .text:
            // Whoever bans by this line takes the last word for the peer.
            let words = connecting.dropLast().split(separator: UInt8(ascii: " "))
            check(words.last.map { String(decoding: $0, as: UTF8.self) } == "\(folded)", "another peer")
            check(
                words.suffix(4).first.map { $0.elementsEqual("connecting".utf8) } == true, "a target of several words")
        case .logfmt, .json:
            let said = checkFields(format, connecting, count: 6)
            check(said["status"] == "OK" && said["peer"] == "\(folded)", "another status or peer")
            let fields = checkFields(format, blocked, count: 8)
            check(fields["status"] == "ERR_BLOCKED" && fields["rule"]!.utf8.count <= 256, "another status, or too long")
            if name != "n" { check(checkFields(format, general, count: 5)["level"] == "error", "another level") }
        }
    }
    return 0
}
