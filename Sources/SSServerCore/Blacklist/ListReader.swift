// A list as it comes from a file, piece by piece: lines are put together, read, and their rules added to a book's builder, with
// a report of what was not understood or cannot be done. Lines that are names alone, as nearly all of a long list are, take a
// way without a single allocation.

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

    package init() {}

    /// Reads the next piece of the list.
    package mutating func read(
        _ piece: UnsafeRawBufferPointer, into builder: inout RuleBook.Builder, _ sources: inout RuleSources
    ) {
        var start = 0
        while let end = piece[start...].firstIndex(of: 10) {
            let part = UnsafeRawBufferPointer(rebasing: piece[start..<end])
            if rest.isEmpty {
                line(part, into: &builder, &sources)
            } else {
                keep(part)
                let whole = rest
                rest.removeAll(keepingCapacity: true)
                whole.withUnsafeBytes { line($0, into: &builder, &sources) }
            }
            start = end + 1
        }
        keep(UnsafeRawBufferPointer(rebasing: piece[start...]))
    }

    /// The list is over; its last line may lack a line feed.
    package mutating func end(into builder: inout RuleBook.Builder, _ sources: inout RuleSources) {
        guard !rest.isEmpty else { return }
        let whole = rest
        rest = []
        whole.withUnsafeBytes { line($0, into: &builder, &sources) }
    }

    /// A line that is too long needs not be kept as a whole to be found too long.
    private mutating func keep(_ part: UnsafeRawBufferPointer) {
        rest += part.prefix(max(0, ListLineReader.maximumLength + 1 - rest.count))
    }

    private mutating func line(
        _ line: UnsafeRawBufferPointer, into builder: inout RuleBook.Builder, _ sources: inout RuleSources
    ) {
        var line = line
        if isFirstLine {
            isFirstLine = false
            // A byte order mark.
            if line.starts(with: [0xef, 0xbb, 0xbf]) { line = UnsafeRawBufferPointer(rebasing: line[3...]) }
        }
        report.lines += 1
        let place = sources.advance()
        if let (name, scope) = Self.quick(line) {
            builder.add(name: name, scope, isAllowed: false, at: place)
            report.rules += 1
            return
        }
        switch ListLineReader.read(Array(line)[...]) {
        case .nothing: break
        case .rules(let rules, let isAllowed):
            for rule in rules {
                if builder.add(rule, isAllowed: isAllowed, at: place) {
                    report.rules += 1
                } else {
                    report.leftOut += 1
                }
            }
        case .unenforceable(let reason): report.unenforceable[reason, default: 0] += 1
        case .bad(let fault):
            report.badLines += 1
            if report.complaints.count < ListReport.complaintLimit {
                report.complaints.append(.init(line: report.lines, fault: fault))
            }
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
        guard isPlainName(bytes), scope == .tree || !bytes.elementsEqual("localhost.localdomain".utf8) else { return nil }
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
