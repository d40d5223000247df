// A list as it comes from a file, piece by piece: lines are put together, read, and their rules added to a book's builder, with
// a report of what was not understood or cannot be done. Lines that are names alone, as nearly all of a long list are, take a
// way without a single allocation.

internal import SSCommon

/// What reading a list came to.
package struct ListReport: Hashable, Sendable {
    package struct Complaint: Hashable, Sendable {
        package let line: Int
        package let fault: ListLine.Fault
    }

    /// Complaints beyond these are counted only.
    package static let complaintLimit = 20

    package internal(set) var lines = 0
    /// Rules, repetitions included.
    package internal(set) var rules = 0
    package internal(set) var badLines = 0
    /// The first of the lines that were not understood.
    package internal(set) var complaints: [Complaint] = []
    package internal(set) var unenforceable: [ListLine.Unenforceable: Int] = [:]
    /// Patterns that there was no room for.
    package internal(set) var leftOut = 0

    package init() {}
}

package struct ListReader {
    package private(set) var report = ListReport()
    /// The beginning of a line whose end has not come; not longer than a line may be and one.
    private var rest: [UInt8] = []
    private var isFirstLine = true
    private var section = Section.refused
    private var clients: [Client] = []
    /// The line that refuses all clients not named.
    private var othersRefused: RulePlace?

    /// `isACL` is an ACL file's reading from its first line on: rules before any section are about clients.
    package init(isACL: Bool = false) {
        if isACL { section = .clients(areAllowed: false) }
    }

    /// Reads the next piece of the list.
    package mutating func read(
        _ piece: UnsafeRawBufferPointer, into builder: inout RuleSet.Builder
    ) {
        var start = 0
        while let end = piece[start...].firstIndex(of: 10) {
            let part = UnsafeRawBufferPointer(rebasing: piece[start..<end])
            if rest.isEmpty {
                line(part, into: &builder)
            } else {
                keep(part)
                let whole = rest
                rest.removeAll(keepingCapacity: true)
                whole.withUnsafeBytes { line($0, into: &builder) }
            }
            start = end + 1
        }
        keep(UnsafeRawBufferPointer(rebasing: piece[start...]))
    }

    /// The list is over; its last line may lack a line feed.
    package mutating func end(into builder: inout RuleSet.Builder) {
        let whole = rest
        rest = []
        if !whole.isEmpty { whole.withUnsafeBytes { line($0, into: &builder) } }
        endClients(into: &builder)
    }

    /// A line that is too long needs not be kept as a whole to be found too long.
    private mutating func keep(_ part: UnsafeRawBufferPointer) {
        rest += part.prefix(max(0, ListLineReader.maximumLength + 1 - rest.count))
    }

    private mutating func line(
        _ line: UnsafeRawBufferPointer, into builder: inout RuleSet.Builder
    ) {
        var line = line
        if isFirstLine {
            isFirstLine = false
            // A byte order mark.
            if line.starts(with: [0xef, 0xbb, 0xbf]) { line = UnsafeRawBufferPointer(rebasing: line[3...]) }
        }
        report.lines += 1
        let place = builder.sources.advance()
        if section == .refused, let (name, scope) = Self.quick(line) {
            builder.refuse(name: name, scope, at: place)
            report.rules += 1
            return
        }
        if line.first == UInt8(ascii: "["), let change = ACLSection(line) { return take(change, into: &builder, place) }
        switch ListLineReader.read(Array(line)[...]) {
        case .nothing: break
        case .rules(let rules, let isAllowed, let users):
            for rule in rules { add(rule, isAllowed: isAllowed, users, into: &builder, place) }
        case .unenforceable(let reason): report.unenforceable[reason, default: 0] += 1
        case .bad(let fault):
            report.badLines += 1
            if report.complaints.count < ListReport.complaintLimit {
                report.complaints.append(.init(line: report.lines, fault: fault))
            }
        }
    }

    private mutating func add(
        _ rule: ListRule, isAllowed: Bool, _ users: [String], into builder: inout RuleSet.Builder, _ place: RulePlace
    ) {
        var (rule, isAllowed) = (rule, isAllowed)
        switch section {
        case .refused: break
        case .allowed: isAllowed = true
        case .clients(let areAllowed):
            guard case .address(let prefix) = rule else {
                report.unenforceable[.clientName, default: 0] += 1
                return
            }
            clients.append(Client(prefix: prefix, isAllowed: areAllowed, place: place))
            report.rules += 1
            return
        }
        if builder.add(rule, isAllowed: isAllowed, users: users, at: place) {
            report.rules += 1
        } else {
            report.leftOut += 1
        }
    }

    // MARK: ACL files

    /// What the lines that follow are about.
    private enum Section: Hashable {
        case refused
        case allowed
        case clients(areAllowed: Bool)
    }

    private struct Client {
        let prefix: IPPrefix
        let isAllowed: Bool
        let place: RulePlace
    }

    private mutating func take(_ change: ACLSection, into builder: inout RuleSet.Builder, _ place: RulePlace) {
        switch change {
        case .refusedTargets: section = .refused
        case .allowedTargets: section = .allowed
        case .refusedClients: section = .clients(areAllowed: false)
        case .allowedClients: section = .clients(areAllowed: true)
        case .refuseTargets:
            _ = builder.add(.everything, isAllowed: false, at: place)
            report.rules += 1
        case .refuseClients: othersRefused = place
        case .acceptTargets: break
        case .acceptClients: othersRefused = nil
        }
    }

    /// Of the two lists of clients only that counts which says something else than what is done with all others.
    private mutating func endClients(into builder: inout RuleSet.Builder) {
        for client in clients where client.isAllowed == (othersRefused != nil) {
            _ = builder.add(.client(client.prefix), isAllowed: client.isAllowed, at: client.place)
        }
        clients = []
        guard let othersRefused else { return }
        for family in [IPAddress.v4(IPv4Address(0)), .v6(IPv6Address(high: 0, low: 0))] {
            guard let all = IPPrefix(family, length: 0) else { continue }
            _ = builder.add(.client(all), isAllowed: false, at: othersRefused)
        }
    }

    /// `a.com`, `||a.com^`, `0.0.0.0 a.com`: what nearly all lines of long lists are.
    private static func quick(_ line: UnsafeRawBufferPointer) -> (name: UnsafeRawBufferPointer, scope: NameScope)? {
        var line = line[...]
        if line.last == 13 { line = line.dropLast() }
        var scope = NameScope.tree
        switch line.first {
        case UInt8(ascii: "|"):
            guard line.starts(with: [124, 124]), line.last == UInt8(ascii: "^") else { return nil }
            line = line.dropFirst(2).dropLast()
        case UInt8(ascii: "0"), UInt8(ascii: "1"):
            guard let place = ["0.0.0.0 ", "127.0.0.1 "].first(where: { line.starts(with: $0.utf8) }) else { break }
            line = line.dropFirst(place.utf8.count)
            scope = .exact
            // The machine's own names have no dot.
            guard line.contains(UInt8(ascii: ".")) else { return nil }
        default: break
        }
        let bytes = UnsafeRawBufferPointer(rebasing: line)
        guard isPlainName(bytes), scope == .tree || !bytes.elementsEqual("localhost.localdomain".utf8) else {
            return nil
        }
        return (bytes, scope)
    }

    /// Whether it is a name in small letters and nothing else, whose last label is no number.
    private static func isPlainName(_ line: UnsafeRawBufferPointer) -> Bool {
        guard (1...253).contains(line.count) else { return false }
        var label = 0
        var isNumber = true
        for byte in line {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                isNumber = false
                label += 1
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                label += 1
            case UInt8(ascii: "."):
                guard (1...63).contains(label) else { return false }
                label = 0
                isNumber = true
            default: return false
            }
        }
        // "0x7f" is a number too; the slow way knows.
        return (1...63).contains(label) && !isNumber && line[line.count - label] > UInt8(ascii: "9")
    }
}
