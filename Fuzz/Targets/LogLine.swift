// Log lines about hostile names: one line each, no control byte but its end, valid UTF-8 by construction.
import SSCommon

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let format = LogFormat.allCases[Int(input.byte()) % LogFormat.allCases.count]
    let bytes = input.rest()
    var formatter = LogFormatter(format: format)
    var line: [UInt8] = []
    let time = LogTime(seconds: 1_700_000_000)
    let peer = Endpoint(.v4(IPv4Address(192, 0, 2, 1)), 5)
    if let name = HostName(bytes) {
        formatter.append(.connecting(TargetAddress(.name(name), port: 80), peer: peer), at: time, to: &line)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    formatter.append(
        .blocked(TargetAddress(.ip(peer.address), port: 1), peer: peer, rule: text, source: text), at: time, to: &line)
    formatter.append(.warning, "constant", [("field", text)], at: time, to: &line)
    check(String(validating: line, as: UTF8.self) != nil, "no UTF-8")
    check(line.last == 0x0a, "a line without an end")
    check(line.filter { $0 == 0x0a }.count == (HostName(bytes) == nil ? 2 : 3), "more lines than events")
    for byte in line { check(byte >= 0x20 && byte != 0x7f || byte == 0x0a, "a control byte") }
    return 0
}
