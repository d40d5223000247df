// What bans are made of: lines of any kind ban nobody who is not in them; names and rules that a stranger has chosen, in lines as we
// write them, ban nobody at all; and what was stored may be anything.
// words: config
import SSCommon
import SSServerCore

private func event(_ line: [UInt8]) -> LogLineReader.Event? {
    var reader = LogLineReader(year: 2026)
    return reader.event(line.span.bytes)
}

private func contains(_ line: [UInt8], _ text: String) -> Bool {
    let text = Array(text.utf8)
    guard line.count >= text.count else { return false }
    return (0...line.count - text.count).contains { line[$0..<$0 + text.count].elementsEqual(text) }
}

private func checkLines(_ bytes: [UInt8]) {
    let rules = BanRules(maxRetry: 1, findTime: 600, ratio: 0)
    var engine = BanEngine(rules, BanTerms(), exemptions: BanExemptions(ignored: []), year: 2026, capacity: 64)
    for line in bytes.split(separator: 10) {
        let line = Array(line)
        engine.read(line.span.bytes, now: 1_800_000_000, ahead: bytes.count & 1 == 0 ? nil : 5)
        for decision in engine.takeDecisions() {
            guard case .ban(let ban, let lines) = decision else { continue }
            check(!lines.isEmpty, "a ban without a line")
            if !ban.prefix.isIPv6, !line.contains(UInt8(ascii: "[")), line.count(where: { $0 == 58 }) < 8 {
                check(contains(line, "\(ban.prefix)"), "a ban of somebody who is not in the line")
            }
        }
    }
}

private func checkOwn(_ name: [UInt8], _ text: String, _ peer: Endpoint) {
    let target = TargetAddress(
        HostName(Array(name.filter { $0 != 0 }.prefix(255))).map { .name($0) } ?? .ip(peer.address), port: 443)
    for format in LogFormat.allCases {
        var formatter = LogFormatter(format: format)
        func line(_ event: RelayEvent) -> [UInt8] {
            var line: [UInt8] = []
            formatter.append(event, at: LogTime(seconds: 1_800_000_000, offset: 0), to: &line)
            return Array(line.dropLast())
        }
        let connecting = event(line(.connecting(target, peer: peer)))
        check(connecting == .good(BanSource(peer.address)), "a connection is not its peer's")
        check(
            event(line(.blocked(target, peer: peer, rule: text, source: text))) == nil,
            "a refusal is taken for something else")
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    switch mode & 3 {
    case 0, 1: checkLines(input.rest())
    case 2:
        var low: UInt64 = 0
        for byte in input.take(8) { low = low << 8 | UInt64(byte) }
        let address: IPAddress =
            mode & 4 == 0 ? .v4(IPv4Address(UInt32(truncatingIfNeeded: low))) : .v6(IPv6Address(high: low, low: 1))
        checkOwn(input.take(300), input.text(), Endpoint(address, 51_234))
    default:
        var ledger = BanLedger(BanRules(), capacity: 16)
        LedgerSnapshot.decode(input.rest()) { ledger.restore($0) }
        _ = ledger.bad(BanSource(.v4(IPv4Address(1))), at: 1_800_000_000)
        var again = 0
        LedgerSnapshot.decode(LedgerSnapshot.encode { ledger.forEachRecord($0) }) { _ in again += 1 }
        check(again == ledger.count, "what was stored is not what is there")
    }
    return 0
}
