// Regular expressions over host names, as ACL files and some lists have them. Matching takes time linear in the name
// whatever the expression is: all its threads step along together (Thompson 1968), and none ever goes back. What cannot be
// matched so (back references, looking ahead or behind) is refused when the list is read.
internal import SSCommon

/// A set of ASCII bytes.
private struct ASCIISet: Hashable, Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    static let all: ASCIISet = {
        var set = ASCIISet()
        (set.low, set.high) = (.max, .max)
        return set
    }()

    init() {}

    init(_ bytes: some Sequence<UInt8>) { for byte in bytes { insert(byte) } }

    /// Letters go in as small ones: names have no others.
    mutating func insert(_ byte: UInt8) {
        let byte = byte.lowercasedASCII
        if byte < 64 { low |= 1 << UInt64(byte) } else if byte < 128 { high |= 1 << UInt64(byte - 64) }
    }

    mutating func formUnion(_ other: ASCIISet) {
        low |= other.low
        high |= other.high
    }

    var inverted: ASCIISet {
        var set = self
        (set.low, set.high) = (~low, ~high)
        return set
    }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        byte < 64 ? low >> UInt64(byte) & 1 == 1 : byte < 128 && high >> UInt64(byte - 64) & 1 == 1
    }
}

/// An expression that is looked for anywhere in a name, unless it says otherwise.
package struct NameExpression: Hashable, Sendable {
    /// Steps of the compiled expression; longer ones are refused.
    static let maximumSteps = 2000
    /// Of groups in groups.
    private static let maximumDepth = 50

    /// As it was written.
    package let text: String
    private let steps: [Step]

    private enum Step: Hashable, Sendable {
        case byte(ASCIISet)
        /// Goes on at both; the numbers are of steps.
        case both(Int, Int)
        case jump(Int)
        case start
        case end
        case found
    }

    private indirect enum Node {
        case empty
        case byte(ASCIISet)
        case sequence([Node])
        case either([Node])
        case repeated(Node, least: Int, most: Int?)
        case start
        case end
    }

    /// Nil for what is no expression, or none that can be matched in linear time.
    package init?(_ text: some Sequence<UInt8>) {
        let bytes = Array(text)
        guard !bytes.isEmpty, bytes.allSatisfy({ (0x20..<0x7f).contains($0) }) else { return nil }
        var reader = Reader(bytes)
        guard let node = reader.whole() else { return nil }
        var compiler = Compiler()
        guard compiler.compile(node) else { return nil }
        compiler.finish()
        steps = compiler.steps
        self.text = String(decoding: bytes, as: UTF8.self)
    }

    package static func == (a: NameExpression, b: NameExpression) -> Bool { a.text == b.text }

    package func hash(into hasher: inout Hasher) { hasher.combine(text) }

    /// Whether it fits names that have nothing in common.
    package var isSweeping: Bool {
        ["a.invalid", "b-2.example", "xn--p1ai"].allSatisfy { Array($0.utf8).withUnsafeBytes { matches($0) } }
    }

    // MARK: Matching

    /// `name` is lower case.
    package func matches(_ name: UnsafeRawBufferPointer) -> Bool {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: steps.count * 4) { memory in
            memory.initialize(repeating: 0)
            var now = Threads(memory[..<(steps.count * 2)])
            var next = Threads(memory[(steps.count * 2)...])
            for offset in 0...name.count {
                if follow(0, &now, isStart: offset == 0, isEnd: offset == name.count) { return true }
                guard offset < name.count else { break }
                next.removeAll()
                for index in 0..<now.count {
                    guard case .byte(let set) = steps[now[index]], set.contains(name[offset]) else { continue }
                    if follow(now[index] + 1, &next, isStart: false, isEnd: offset + 1 == name.count) { return true }
                }
                swap(&now, &next)
            }
            return false
        }
    }

    /// Adds what can be reached from `step` without a byte; true if that is the end. An own stack, because the expression is
    /// a stranger's.
    private func follow(_ step: Int, _ threads: inout Threads, isStart: Bool, isEnd: Bool) -> Bool {
        var waiting = [step]
        while let step = waiting.popLast() {
            guard threads.insert(step) else { continue }
            switch steps[step] {
            case .byte: break
            case .both(let a, let b):
                waiting.append(b)
                waiting.append(a)
            case .jump(let to): waiting.append(to)
            case .start: if isStart { waiting.append(step + 1) }
            case .end: if isEnd { waiting.append(step + 1) }
            case .found: return true
            }
        }
        return false
    }

    /// A set of step numbers that is emptied at once (Briggs and Torczon 1993).
    private struct Threads {
        private var dense: UnsafeMutableBufferPointer<Int32>
        private var sparse: UnsafeMutableBufferPointer<Int32>
        private(set) var count = 0

        init(_ memory: Slice<UnsafeMutableBufferPointer<Int32>>) {
            let both = UnsafeMutableBufferPointer(rebasing: memory)
            dense = UnsafeMutableBufferPointer(rebasing: both[..<(both.count / 2)])
            sparse = UnsafeMutableBufferPointer(rebasing: both[(both.count / 2)...])
        }

        subscript(index: Int) -> Int { Int(dense[index]) }

        mutating func insert(_ step: Int) -> Bool {
            let place = Int(sparse[step])
            if place < count, Int(dense[place]) == step { return false }
            dense[count] = Int32(step)
            sparse[step] = Int32(count)
            count += 1
            return true
        }

        mutating func removeAll() { count = 0 }
    }

    // MARK: Compiling

    /// Writes steps, and gives up on what would be too many, or take too long to find out.
    private struct Compiler {
        private(set) var steps: [Step] = []
        private var visits = 0

        mutating func compile(_ node: Node) -> Bool {
            visits += 1
            guard steps.count < NameExpression.maximumSteps, visits < 4 * NameExpression.maximumSteps else {
                return false
            }
            switch node {
            case .empty: return true
            case .byte(let set): steps.append(.byte(set))
            case .start: steps.append(.start)
            case .end: steps.append(.end)
            case .sequence(let nodes):
                for node in nodes where !compile(node) { return false }
            case .either(let nodes): return either(nodes[...])
            case .repeated(let node, let least, let most): return repeated(node, least: least, most: most)
            }
            return true
        }

        mutating func finish() { steps.append(.found) }

        private mutating func either(_ nodes: ArraySlice<Node>) -> Bool {
            var ends: [Int] = []
            for node in nodes.dropLast() {
                let fork = steps.count
                steps.append(.jump(0))
                guard compile(node) else { return false }
                ends.append(steps.count)
                steps.append(.jump(0))
                steps[fork] = .both(fork + 1, steps.count)
            }
            guard let last = nodes.last, compile(last) else { return false }
            for end in ends { steps[end] = .jump(steps.count) }
            return true
        }

        private mutating func repeated(_ node: Node, least: Int, most: Int?) -> Bool {
            for _ in 0..<least {
                guard compile(node) else { return false }
            }
            var forks: [Int] = []
            for _ in least..<(most ?? least + 1) {
                forks.append(steps.count)
                steps.append(.jump(0))
                guard compile(node) else { return false }
                if most == nil { steps.append(.jump(forks[0])) }
            }
            for fork in forks { steps[fork] = .both(fork + 1, steps.count) }
            return true
        }
    }

    // MARK: Reading

    private struct Reader {
        private let text: [UInt8]
        private var offset = 0
        private var depth = 0

        init(_ text: [UInt8]) {
            self.text = text
            // Names are in small letters anyway.
            if text.starts(with: "(?i)".utf8) { offset = 4 }
        }

        private var next: UInt8? { offset < text.count ? text[offset] : nil }

        private mutating func skip(_ byte: Character) -> Bool {
            guard next == byte.asciiValue else { return false }
            offset += 1
            return true
        }

        mutating func whole() -> Node? {
            guard let node = alternatives(), offset == text.count else { return nil }
            return node
        }

        private mutating func alternatives() -> Node? {
            var nodes: [Node] = []
            repeat {
                guard let node = sequence() else { return nil }
                nodes.append(node)
            } while skip("|")
            return nodes.count == 1 ? nodes[0] : .either(nodes)
        }

        private mutating func sequence() -> Node? {
            var nodes: [Node] = []
            while let byte = next, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
                guard let node = atom(), let repeated = repetitions(of: node) else { return nil }
                nodes.append(repeated)
            }
            return nodes.isEmpty ? .empty : nodes.count == 1 ? nodes[0] : .sequence(nodes)
        }

        private mutating func atom() -> Node? {
            guard let byte = next else { return nil }
            offset += 1
            switch byte {
            case UInt8(ascii: "^"): return .start
            case UInt8(ascii: "$"): return .end
            case UInt8(ascii: "."): return .byte(.all)
            case UInt8(ascii: "["): return set().map { .byte($0) }
            case UInt8(ascii: "("): return group()
            case UInt8(ascii: "\\"): return escaped()
            case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"): return nil
            default: return .byte(ASCIISet([byte]))
            }
        }

        private mutating func group() -> Node? {
            guard depth < NameExpression.maximumDepth else { return nil }
            depth += 1
            defer { depth -= 1 }
            if skip("?") {
                // Only groups that are none of the special ones.
                guard skip(":") else { return nil }
            }
            guard let node = alternatives(), skip(")") else { return nil }
            return node
        }

        private static let digits = ASCIISet("0123456789".utf8)
        private static let word = ASCIISet("abcdefghijklmnopqrstuvwxyz0123456789_".utf8)
        private static let space = ASCIISet(" \t".utf8)

        /// What a backslash and a letter stand for; nil for a letter that stands for something else.
        private static func named(_ byte: UInt8) -> ASCIISet? {
            switch byte {
            case UInt8(ascii: "d"): digits
            case UInt8(ascii: "D"): digits.inverted
            case UInt8(ascii: "w"): word
            case UInt8(ascii: "W"): word.inverted
            case UInt8(ascii: "s"): space
            case UInt8(ascii: "S"): space.inverted
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                nil
            default: ASCIISet([byte])
            }
        }

        private mutating func escaped() -> Node? {
            guard let byte = next else { return nil }
            offset += 1
            switch byte {
            case UInt8(ascii: "A"): return .start
            case UInt8(ascii: "z"), UInt8(ascii: "Z"): return .end
            default: return Self.named(byte).map { .byte($0) }
            }
        }

        /// What is behind an opening bracket.
        private mutating func set() -> ASCIISet? {
            var set = ASCIISet()
            let isInverted = skip("^")
            var isFirst = true
            while let byte = next {
                offset += 1
                if byte == UInt8(ascii: "]"), !isFirst { return isInverted ? set.inverted : set }
                isFirst = false
                var low = byte
                if byte == UInt8(ascii: "\\") {
                    guard let letter = next, let named = Self.named(letter) else { return nil }
                    offset += 1
                    if "dDwWsS".utf8.contains(letter) {
                        set.formUnion(named)
                        continue
                    }
                    low = letter
                }
                // [:alpha:] and its like.
                if byte == UInt8(ascii: "["), next == UInt8(ascii: ":") { return nil }
                guard next == UInt8(ascii: "-"), offset + 1 < text.count, text[offset + 1] != UInt8(ascii: "]") else {
                    set.insert(low)
                    continue
                }
                offset += 1
                guard var high = next else { return nil }
                offset += 1
                if high == UInt8(ascii: "\\") {
                    guard let letter = next, !"dDwWsS".utf8.contains(letter) else { return nil }
                    offset += 1
                    high = letter
                }
                guard low <= high else { return nil }
                for byte in low...high { set.insert(byte) }
            }
            return nil
        }

        /// At most one: what repeats repetitions is refused, as it is by most others.
        private mutating func repetitions(of node: Node) -> Node? {
            let least: Int
            var most: Int?
            switch next {
            case UInt8(ascii: "*"): least = 0
            case UInt8(ascii: "+"): least = 1
            case UInt8(ascii: "?"): (least, most) = (0, 1)
            case UInt8(ascii: "{"):
                guard let counts = counts() else { return nil }
                (least, most) = counts
                // On the brace that closes.
                offset -= 1
            default: return node
            }
            offset += 1
            // Which of two ways is tried first makes no difference to whether there is one. What never gives back what it
            // has taken would.
            _ = skip("?")
            switch next {
            case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"): return nil
            default: return .repeated(node, least: least, most: most)
            }
        }

        /// `{2}`, `{2,}`, `{2,3}`.
        private mutating func counts() -> (Int, Int?)? {
            guard let close = text[offset...].firstIndex(of: UInt8(ascii: "}")) else { return nil }
            let parts = text[(offset + 1)..<close].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            let numbers = parts.map { part in
                part.count <= 3 ? Int(String(decoding: part, as: UTF8.self)).flatMap { $0 >= 0 ? $0 : nil } : nil
            }
            guard let first = numbers.first, let least = first else { return nil }
            offset = close + 1
            switch numbers.count {
            case 1: return (least, least)
            case 2 where parts[1].isEmpty: return (least, nil)
            case 2: return numbers[1].flatMap { $0 >= least ? (least, $0) : nil }
            default: return nil
            }
        }
    }
}

// MARK: Those that are names in disguise

extension NameExpression {
    /// What the usual expressions of ACL files mean: a name and what is below it, the name alone, or what is below it. Those are
    /// looked up rather than tried.
    static func plainName(_ text: some Sequence<UInt8>) -> (name: [UInt8], scope: NameScope)? {
        let text = Array(text)
        guard text.last == UInt8(ascii: "$") else { return nil }
        let openings: KeyValuePairs<String, NameScope> = [
            "(^|\\.)": .tree, "(?:^|\\.)": .tree, "^(.*\\.)?": .tree, "^(.+\\.)?": .tree, "^(?:.*\\.)?": .tree,
            "^(?:.+\\.)?": .tree, "^.*\\.": .below, "^.+\\.": .below, "\\.": .below, "^": .exact,
        ]
        for (opening, scope) in openings where text.starts(with: opening.utf8) {
            var name: [UInt8] = []
            var rest = text.dropFirst(opening.utf8.count).dropLast()
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "\\") {
                    guard let dot = rest.popFirst(), dot == UInt8(ascii: ".") || dot == UInt8(ascii: "-") else {
                        return nil
                    }
                    name.append(dot)
                    continue
                }
                let isPlain = byte.isLetter || byte.isDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                guard isPlain else { return nil }
                name.append(byte)
            }
            return name.isEmpty ? nil : (name, scope)
        }
        return nil
    }
}
