// What `nft list table` prints of our table. It is read word by word: lines are broken differently from version to version.
internal import SSCommon
internal import SSServerCore

struct NFTListing {
    /// What there is of ours.
    private(set) var sets: Set<NFTSet> = []
    /// What is in them and how many seconds it stays, unless they are listed without. No prefix is in two sets.
    var bans: [BanPrefix: UInt32?] = [:]
    var ports: [UInt16] = []
    private var hooks = false
    /// Switched off as a whole.
    private(set) var isDormant = false
    /// Verdicts and names of the rules, in their order.
    private var rules: [String] = []

    init(_ text: [UInt8]) {
        var words = NFTWords(text)
        while let word = words.next() {
            if word == "set", let name = words.next() {
                readSet(name, &words)
            } else if word == "chain", words.next() == NFTScript.chain {
                readChain(&words)
            } else if word == "flags", words.next() == "dormant" {
                isDormant = true
            }
        }
    }

    /// Whether each ban drops something.
    func isWhole(_ ports: [UInt16]) -> Bool {
        hooks && !isDormant && sets.isSuperset(of: NFTables.usual) && self.ports.sorted() == ports
            && rules == NFTScript.rules(sets, ports).map { "\($0.verdict) \($0.name)" }
    }

    private mutating func readSet(_ name: String, _ words: inout NFTWords) {
        let set = NFTSet(Substring(name))
        var depth = 0
        var prefixes: [BanPrefix: UInt32?] = [:]
        var latest: BanPrefix?
        // Only the first word of an element is one; `timeout` and `expires` follow it.
        var isFirst = false
        var isRight = false
        while let word = words.next() {
            switch word {
            case "{":
                depth += 1
                isFirst = depth == 2
            case "}":
                depth -= 1
                if depth == 0 {
                    if let set, isRight {
                        sets.insert(set)
                        bans.merge(prefixes) { $1 }
                    }
                    return
                }
            case ",": isFirst = true
            case "expires" where depth == 2:
                if let latest, let time = words.next() { prefixes[latest] = Self.seconds(time) }
            case "ipv4_addr": isRight = set?.isIPv6 == false
            case "ipv6_addr": isRight = set?.isIPv6 == true
            default:
                guard depth == 2, isFirst else { continue }
                isFirst = false
                if let set {
                    latest = Self.prefix(word, of: set)
                    if let latest { prefixes[latest] = .some(nil) }
                } else if name == "ports", let port = UInt16(word) {
                    ports.append(port)
                }
            }
        }
    }

    /// `1d2h3m4s500ms`.
    private static func seconds(_ text: String) -> UInt32? {
        var seconds: UInt64 = 0
        var rest = text[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isNumber }
            guard let number = UInt32(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            let factors: [Substring: UInt64] = ["d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0]
            guard let factor = factors[unit] else { return nil }
            seconds += UInt64(number) * factor
        }
        return UInt32(clamping: seconds)
    }

    private static func prefix(_ word: String, of set: NFTSet) -> BanPrefix? {
        // Most are of these, and a source needs no length to be read.
        if NFTables.usual.contains(set) { return IPAddress(word).map { BanPrefix(BanSource($0)) } }
        return try? BanPrefix("\(word)/\(set.length)")
    }

    /// One rule a line. One that is not ours has no name, or is not followed by it.
    private mutating func readChain(_ words: inout NFTWords) {
        var line = words.nextLine()
        while !line.isEmpty, line.last != "}" || line.count > 1 {
            if line.first == "type" {
                hooks = line.contains("hook") && line.contains(NFTScript.hook)
            } else if line.first != "{" {
                let end = Array(line.suffix(3))
                rules.append(end.count == 3 && end[1] == "comment" ? "\(end[0]) \(end[2])" : "")
            }
            line = words.nextLine()
        }
    }
}

/// The words of it: what stands in quotation marks, braces and commas by themselves, and what is between blanks.
struct NFTWords {
    private let text: [UInt8]
    private var position = 0

    init(_ text: [UInt8]) {
        self.text = text
    }

    mutating func next() -> String? {
        while position < text.count, Self.isBlank(text[position]) { position += 1 }
        return position < text.count ? word() : nil
    }

    /// Of the line that comes next and is not empty; empty at the end of the text.
    mutating func nextLine() -> [String] {
        guard let first = next() else { return [] }
        var line = [first]
        while position < text.count, text[position] != UInt8(ascii: "\n") {
            if Self.isBlank(text[position]) { position += 1 } else { line.append(word()) }
        }
        return line
    }

    private mutating func word() -> String {
        let start = position
        position += 1
        if text[start] == UInt8(ascii: "\"") {
            while position < text.count, text[position] != UInt8(ascii: "\"") { position += 1 }
            defer { position = min(position + 1, text.count) }
            return String(decoding: text[start + 1..<position], as: UTF8.self)
        }
        if !Self.isMark(text[start]) {
            while position < text.count, !Self.isBlank(text[position]), !Self.isMark(text[position]) { position += 1 }
        }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte <= 0x20 || byte == UInt8(ascii: ";") }

    private static func isMark(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}")
    }
}
