// What one line of a list says, whichever syntax it is written in.
package import SSCommon

/// What a rule is about. Names are as `DomainName` has them.
package enum ListRule: Hashable, Sendable {
    case name(DomainName, NameScope)
    case address(IPPrefix)
    /// Plain-HTTP requests whose path begins so; `host` is a name (the rule covers what is below it if `scope` says so) or an
    /// address. The path begins with a slash and is normalised.
    case path(host: PathHost, path: [UInt8])
    /// Names that look so.
    case pattern(NamePattern)
    case expression(NameExpression)
    /// Some ports of a host, or of every one.
    case ports(PathHost?, ClosedRange<UInt16>)
    /// Clients by where they come from.
    case client(IPPrefix)
    /// A user, by name.
    case user(String)
    /// Whatever no other rule is about.
    case everything
}

extension ListRule {
    /// Whether hardly anything is left when this is refused: a person is asked first whether they mean it.
    package var isSweeping: Bool {
        switch self {
        case .everything: true
        case .name(let name, let scope): scope != .exact && name.parent == nil
        case .address(let prefix), .client(let prefix): prefix.length < (prefix.address.width == 32 ? 8 : 16)
        case .pattern(let pattern): pattern.pieces.allSatisfy { $0.allSatisfy { $0 == UInt8(ascii: ".") } }
        case .expression(let expression): expression.isSweeping
        case .ports(nil, let ports): ports.count > 1000 || ports.contains(80) || ports.contains(443)
        case .path, .ports, .user: false
        }
    }
}

/// Whose paths a rule is about.
package enum PathHost: Hashable, Sendable {
    case name(DomainName, NameScope)
    case address(IPAddress)
}

/// A name with gaps: each piece must stand in it, in order, the first at its beginning and the last at its end unless it is
/// open there.
package struct NamePattern: Hashable, Sendable {
    /// Lower case, not empty.
    package let pieces: [[UInt8]]
    package let isOpenAtStart: Bool
    package let isOpenAtEnd: Bool

    /// Nil if there is nothing that must stand in a name.
    package init?(_ pieces: [[UInt8]], isOpenAtStart: Bool, isOpenAtEnd: Bool) {
        guard !pieces.isEmpty, pieces.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.pieces = pieces
        self.isOpenAtStart = isOpenAtStart
        self.isOpenAtEnd = isOpenAtEnd
    }

    /// Nil if `text`, in which a star stands for any bytes, has nothing else.
    package init?(wildcard text: some Sequence<UInt8>) {
        let text = Array(text)
        let star = UInt8(ascii: "*")
        let pieces = text.split(separator: star).map { Array($0) }
        self.init(pieces, isOpenAtStart: text.first == star, isOpenAtEnd: text.last == star)
    }

    /// Greedy from the left is enough: a piece that is found early leaves the most room for the others.
    package func matches(_ name: UnsafeRawBufferPointer) -> Bool {
        var start = 0
        var end = name.count
        var rest = pieces[...]
        if !isOpenAtStart {
            guard let first = rest.popFirst(), Self.stands(first, at: 0, in: name, before: end) else { return false }
            start = first.count
            if rest.isEmpty { return isOpenAtEnd || start == end }
        }
        if !isOpenAtEnd {
            guard let last = rest.popLast(), end - last.count >= start,
                Self.stands(last, at: end - last.count, in: name, before: end)
            else { return false }
            end -= last.count
        }
        for piece in rest {
            guard let found = Self.place(of: piece, in: name, from: start, before: end) else { return false }
            start = found + piece.count
        }
        return true
    }

    private static func place(
        of piece: [UInt8], in name: UnsafeRawBufferPointer, from start: Int, before end: Int
    ) -> Int? {
        var offset = start
        while offset + piece.count <= end {
            if stands(piece, at: offset, in: name, before: end) { return offset }
            offset += 1
        }
        return nil
    }

    private static func stands(
        _ piece: [UInt8], at offset: Int, in name: UnsafeRawBufferPointer, before end: Int
    ) -> Bool {
        guard offset + piece.count <= end else { return false }
        return piece.indices.allSatisfy { name[offset + $0] == piece[$0] }
    }
}

extension NamePattern: CustomStringConvertible {
    package var description: String {
        let middle = pieces.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "*")
        return (isOpenAtStart ? "*" : "") + middle + (isOpenAtEnd ? "*" : "")
    }
}

/// What a line comes to.
package enum ListLine: Hashable, Sendable {
    /// Nothing: a comment, a headline, an empty line.
    case nothing
    /// `users` are those that they are for; empty for everybody.
    case rules([ListRule], isAllowed: Bool, users: [String] = [])
    /// Understood, and nothing that can be done here.
    case unenforceable(Unenforceable)
    /// Not understood.
    case bad(Fault)

    /// What a server cannot see or do.
    package enum Unenforceable: String, Hashable, Sendable, CaseIterable {
        case cosmetic = "hides parts of pages"
        case options = "depends on what a page or a browser does"
        case expression = "a regular expression that cannot be matched in linear time"
        case clientName = "a name among addresses of clients"
        case include = "names another list"
        case forwarding = "says whom to ask for a name"
        case addressPart = "a part of an address that is not its host"
        case httpsPath = "a path of https, which cannot be seen"
    }

    package enum Fault: String, Hashable, Sendable, CaseIterable {
        case tooLong = "longer than 4096 bytes"
        case notText = "no text (UTF-8)"
        case badName = "no host name"
        case badAddress = "no address or range"
        case unknown = "not understood"
    }
}
