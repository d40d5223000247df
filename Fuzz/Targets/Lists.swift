// Lists of every form, and ACL files: read at once and in pieces they are the same rules, and say the same of every host.
// words: lists
import SSCommon
import SSServerCore

private func load(_ bytes: [UInt8], pieces: Int, isACL: Bool) -> (report: ListReport, rules: RuleSet) {
    var builder = RuleSet.Builder(isACL ? .refusedFirst : .mostExact, seed: (1, 2))
    builder.sources.begin("list")
    var reader = ListReader(isACL: isACL)
    bytes.withUnsafeBytes { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
            reader.read(UnsafeRawBufferPointer(rebasing: rest.prefix(pieces)), into: &builder)
            rest = rest.dropFirst(pieces)
        }
    }
    reader.end(into: &builder)
    return (reader.report, RuleSet(builder))
}

/// What decides about each host, in words.
private func decisions(_ rules: RuleSet, isACL: Bool, _ hosts: [RequestHost]) -> [String] {
    var blacklist = Blacklist()
    if isACL { blacklist.acl = rules } else { blacklist.lists = rules }
    return hosts.map { host in
        var permission = Permission()
        let refusal =
            switch host {
            case .name(let name): blacklist.refusal(of: name, port: 443, for: "alice", &permission)
            case .address(let address): blacklist.refusal(of: address, port: 443, for: "alice", &permission)
            }
        let path = blacklist.refusal(of: host, path: Array("/a/b".utf8), for: "alice", &permission)
        return [refusal, path, permission.rule].map { $0.map { "\($0.rule) \($0.place)" } ?? "-" }.joined(
            separator: " ")
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let isACL = input.byte() & 1 == 1
    let pieces = Int(input.byte()) + 1
    let bytes = input.rest()
    let (whole, parts) = (load(bytes, pieces: bytes.count + 1, isACL: isACL), load(bytes, pieces: pieces, isACL: isACL))
    check(whole.report == parts.report, "another report in pieces")
    check(whole.rules.count == parts.rules.count, "another number of rules in pieces")
    check(whole.report.lines <= bytes.count + 1, "more lines than bytes")
    check(whole.report.complaints.count <= ListReport.complaintLimit, "too many complaints")
    var hosts: [RequestHost] = [.address(.v4(IPv4Address(0x7f00_0001)))]
    for line in bytes.split(whereSeparator: { !($0 > 0x2c && $0 < 0x7f) || $0 == 0x2f || $0 == 0x5e }).prefix(16) {
        let text = String(decoding: line, as: UTF8.self)
        if let address = IPAddress(text) { hosts.append(.address(address)) }
        guard let name = DomainName(text) else { continue }
        hosts.append(.name(name))
        if let below = DomainName("a.\(text)") { hosts.append(.name(below)) }
    }
    check(
        decisions(whole.rules, isACL: isACL, hosts) == decisions(parts.rules, isACL: isACL, hosts),
        "another decision in pieces")
    return 0
}
