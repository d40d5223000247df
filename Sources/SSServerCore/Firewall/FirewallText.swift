// The words of a firewall's list, and what ports, addresses and protocols among them say about a packet. iptables and
// nft write these alike.
internal import SSCommon

/// A word of a rule.
struct FirewallTerm: Hashable {
    var text: String
    /// It stood in quotation marks: a name or a comment, never a keyword.
    var isQuoted = false

    /// The words of each line that has any.
    static func lines(_ text: String, marks: Marks) -> [[Self]] {
        text.utf8.split(separator: UInt8(ascii: "\n")).map { words($0, marks) }.filter { !$0.isEmpty }
    }

    /// What separates words besides blanks.
    enum Marks {
        /// iptables: nothing; a backslash in quotation marks takes the next character as it is.
        case none
        /// nft: braces, commas and semicolons are words of their own, "#" begins a comment.
        case nft
    }

    private static func words(_ line: Substring.UTF8View, _ marks: Marks) -> [Self] {
        var words: [Self] = []
        var word: [UInt8] = []
        var isQuoted = false
        var isEscaped = false
        func end(quoted: Bool = false) {
            if quoted || !word.isEmpty {
                words.append(Self(text: String(decoding: word, as: UTF8.self), isQuoted: quoted))
            }
            word.removeAll(keepingCapacity: true)
        }
        for byte in line {
            if isQuoted {
                if isEscaped {
                    isEscaped = false
                    word.append(byte)
                } else if byte == UInt8(ascii: "\\"), marks == .none {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    end(quoted: true)
                    isQuoted = false
                } else {
                    word.append(byte)
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                end()
                isQuoted = true
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): end()
            case UInt8(ascii: "#") where marks == .nft && word.isEmpty: return words
            case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: ","), UInt8(ascii: ";"):
                if marks == .none {
                    word.append(byte)
                } else {
                    end()
                    words.append(Self(text: String(UnicodeScalar(byte))))
                }
            default: word.append(byte)
            }
        }
        end(quoted: isQuoted)
        return words
    }
}

extension FirewallPacket {
    /// A port, or a range with this between its ends.
    func goes(to ports: some StringProtocol, rangeMark: Character) -> FirewallMatch {
        guard let range = Self.range(ports, rangeMark) else { return .maybe }
        return FirewallMatch(range.contains(port))
    }

    /// Clients use any port from 1024.
    func comes(from ports: some StringProtocol, rangeMark: Character) -> FirewallMatch {
        guard let range = Self.range(ports, rangeMark) else { return .maybe }
        return range.lowerBound <= 1024 && range.upperBound == .max ? .yes : .maybe
    }

    private static func range(_ text: some StringProtocol, _ mark: Character) -> ClosedRange<UInt16>? {
        let ends = text.split(separator: mark, omittingEmptySubsequences: false)
        guard let low = ends.first.flatMap({ UInt16($0) }), let high = ends.last.flatMap({ UInt16($0) }),
            ends.count <= 2, low <= high
        else { return nil }
        return low...high
    }

    /// A protocol above IP, by name or number.
    func isOf(protocol name: String) -> FirewallMatch {
        if name == "all" || name == "0" { return .yes }
        if name == transport.rawValue || name == transport.number { return .yes }
        // A range, or a number written otherwise.
        return name.contains("-") && name.first?.isNumber == true || name.hasPrefix("0x") ? .maybe : .no
    }

    /// Whether who is somewhere on the internet is within this address or network. Not within a small one.
    func comes(from network: String) -> FirewallMatch {
        guard let length = prefixLength(network) else { return .maybe }
        if length == 0 { return .yes }
        // 224.0.0.0/4 and fc00::/7 are nobody's; what is larger may be half of the internet.
        return length < (family == .ipv4 ? 4 : 7) ? .maybe : .no
    }

    /// Whether it is addressed to this: one of this machine's own addresses is, nobody here knows which.
    func goes(to network: String) -> FirewallMatch {
        guard let length = prefixLength(network) else { return .maybe }
        if length == 0 { return .yes }
        switch IPAddress(String(network.prefix { $0 != "/" })) {
        case .v4(let address): return address.value >> 28 >= 14 || address.value >> 24 == 127 ? .no : .maybe
        case .v6(let address):
            let isLocal = address.high >> 56 == 0xFF || address.high >> 54 == 0x3FA
            return isLocal || address.high == 0 && address.low == 1 ? .no : .maybe
        case nil: return .maybe
        }
    }

    /// Nil for what is not an address with or without a length.
    private func prefixLength(_ network: String) -> Int? {
        let parts = network.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let first = parts.first, IPAddress(String(first)) != nil else { return nil }
        return parts.count == 2 ? Int(parts[1]) : family == .ipv4 ? 32 : 128
    }

    /// The kind of address that it goes to, as the kernel's table of routes has it.
    func goes(toKind kind: some StringProtocol) -> FirewallMatch { FirewallMatch(kind.lowercased() == "local") }

    /// What the table of connections has it for: new, and nobody sends it elsewhere.
    func isTracked(as state: some StringProtocol) -> FirewallMatch {
        switch state.lowercased() {
        case "new": .yes
        case "established", "related", "invalid", "untracked", "dnat", "snat": .no
        default: .maybe
        }
    }

    /// It does not come from this machine; which of the others it comes through is not known.
    func comes(through interface: String) -> FirewallMatch { interface == "lo" ? .no : .maybe }
}
