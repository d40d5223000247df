// Lists of rules: how long they take to be read, what they take up, and how long a look-up takes. Of files, or of a million names
// and a hundred thousand ranges that are made up.
import SSCommon
import SSServerCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

func benchmarkLists(_ paths: [String]) {
    let names = paths.first.map(contents) ?? madeUpNames()
    let (set, seconds) = timed { load(names) }
    let rules = set.count
    print(
        "names: \(rules) rules of \(names.count) bytes in \(milliseconds(seconds)) ms, \(perRule(set.byteCount, rules)) bytes a rule"
    )
    var blacklist = Blacklist()
    blacklist.lists = set
    let hosts = lines(paths.dropFirst().first.map(contents) ?? names).compactMap {
        DomainName(String(decoding: $0, as: UTF8.self))
    }
    lookUp(hosts, in: blacklist)
    let ranges = paths.dropFirst(2).first.map(contents) ?? madeUpRanges()
    let (table, tableSeconds) = timed { load(ranges) }
    print(
        "ranges: \(table.count) rules in \(milliseconds(tableSeconds)) ms, \(perRule(table.byteCount, table.count)) bytes a rule"
    )
    blacklist.lists = table
    lookUpAddresses(in: blacklist)
    lookUpAddresses(in: AddressTable(prefixes(ranges)))
}

private func lookUp(_ hosts: [DomainName], in blacklist: Blacklist) {
    guard !hosts.isEmpty else { return }
    func isRefused(_ host: DomainName) -> Bool {
        var permission = Permission()
        return blacklist.refusal(of: host, port: 443, for: nil, &permission) != nil
    }
    let (refused, time) = lookUp(hosts, { Int($0.bytes[0]) &+ Int($0.bytes[$0.bytes.count - 1]) }, isRefused)
    print("look-up of a name: \(time) ns, mean of \(hosts.count), \(refused) of them refused")
    // What nobody is refused costs most requests.
    let misses = hosts.filter { !isRefused($0) }
    guard !misses.isEmpty else { return }
    let (_, missTime) = lookUp(misses, { Int($0.bytes[0]) &+ Int($0.bytes[$0.bytes.count - 1]) }, isRefused)
    print("look-up of a name that no rule is about: \(missTime) ns, mean of \(misses.count)")
}

private func lookUpAddresses(in blacklist: Blacklist) {
    let (refused, time) = lookUp(randomAddresses(), \.width) { address in
        var permission = Permission()
        return blacklist.refusal(of: address, port: 443, for: nil, &permission) != nil
    }
    print("look-up of an IPv4 address: \(time) ns, mean of 1000000, \(refused) refused")
}

/// The table alone, without the port, who asks and what has allowed the name.
private func lookUpAddresses(in table: AddressTable) {
    let (found, time) = lookUp(randomAddresses(), \.width) { table.match($0) != nil }
    print("found in the table of ranges: \(time) ns, mean of 1000000, \(found) found")
}

private func randomAddresses() -> [IPAddress] {
    var random = SystemRandomNumberGenerator()
    return (0..<1_000_000).map { _ in .v4(IPv4Address(UInt32.random(in: 0 ... .max, using: &random))) }
}

private func prefixes(_ list: [UInt8]) -> AddressTable.Builder {
    var builder = AddressTable.Builder()
    var sources = RuleSources()
    sources.begin("list")
    for line in lines(list) {
        guard let prefix = IPPrefix(String(decoding: line, as: UTF8.self)) else { continue }
        builder.add(prefix, isAllowed: false, at: sources.advance())
    }
    return builder
}

/// How many are refused, and the mean time in ns. A server has just read what it looks up, so these are read before the time is
/// taken, a few at a time; the rules stay where they are.
private func lookUp<Question>(
    _ questions: [Question], _ size: (Question) -> Int, _ isRefused: (Question) -> Bool
) -> (refused: Int, time: Int) {
    var refused = 0
    var total = Duration.zero
    var read = 0
    for start in stride(from: 0, to: questions.count, by: 256) {
        let some = questions[start..<min(start + 256, questions.count)]
        for question in some { read &+= size(question) }
        total += timed { for question in some where isRefused(question) { refused += 1 } }.1
    }
    guard read > 0 else { return (0, 0) }
    return (refused, nanoseconds(total, questions.count))
}

private func load(_ bytes: [UInt8]) -> RuleSet {
    var builder = RuleSet.Builder(.mostExact, seed: (.random(in: 0 ... .max), .random(in: 0 ... .max)))
    builder.sources.begin("list")
    var reader = ListReader()
    bytes.withUnsafeBytes { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
            reader.read(UnsafeRawBufferPointer(rebasing: rest.prefix(256 << 10)), into: &builder)
            rest = rest.dropFirst(256 << 10)
        }
    }
    reader.end(into: &builder)
    return RuleSet(builder)
}

private func madeUpNames() -> [UInt8] {
    var text: [UInt8] = []
    for number in 0..<1_000_000 { text += Array("h\(number).site\(number % 9973).example\n".utf8) }
    return text
}

private func madeUpRanges() -> [UInt8] {
    var random = SystemRandomNumberGenerator()
    var text: [UInt8] = []
    for _ in 0..<100_000 {
        text += Array(
            "\(IPv4Address(UInt32.random(in: 0 ... .max, using: &random)))/\(Int.random(in: 16...32, using: &random))\n"
                .utf8)
    }
    return text
}

private func contents(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "rb") else { fatalError("\(path) cannot be read") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
    return bytes
}

private func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] { bytes.split(separator: 10) }

private func timed<Result>(_ work: () -> Result) -> (Result, Duration) {
    let start = ContinuousClock.now
    let result = work()
    return (result, ContinuousClock.now - start)
}

private func milliseconds(_ time: Duration) -> Int { Int(time / .milliseconds(1)) }

private func nanoseconds(_ time: Duration, _ count: Int) -> Int { Int(time / .nanoseconds(1)) / count }

private func perRule(_ bytes: Int, _ count: Int) -> String {
    let tenths = bytes * 10 / max(1, count)
    return "\(tenths / 10).\(tenths % 10)"
}
