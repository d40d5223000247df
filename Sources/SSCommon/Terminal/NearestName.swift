// "did you mean …": the known name a typo most likely stands for. The distance is Damerau-Levenshtein in its
// optimal string alignment form: insertion, deletion, replacement and the swap of two neighbours cost one each.

/// Finds the nearest of a list of names.
package enum NearestName {
    /// Longer words are nobody's typo; the bound keeps the cost of a hostile file small.
    private static let longest = 48

    /// The candidate nearest to `word`, the earliest of equals; nil if none is near enough (a third of the
    /// word's length, at least one edit) or `word` is empty. Case, `-` and `_` do not count.
    package static func of(_ word: some StringProtocol, among candidates: some Sequence<String>) -> String? {
        let typed = fold(word)
        guard (1...longest).contains(typed.count) else { return nil }
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let known = fold(candidate)
            let limit = max(1, min(typed.count, known.count) / 3)
            guard abs(known.count - typed.count) <= limit else { continue }
            let distance = distance(typed, known)
            if distance <= limit, distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// The number of edits between two words, after folding.
    package static func distance(_ left: some StringProtocol, _ right: some StringProtocol) -> Int {
        distance(fold(left), fold(right))
    }

    private static func fold(_ word: some StringProtocol) -> [UInt8] {
        word.utf8.prefix(longest + 1).map { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
            case UInt8(ascii: "_"): UInt8(ascii: "-")
            default: byte
            }
        }
    }

    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        var older: [Int] = []
        var previous = Array(0...right.count)
        for i in 1...left.count {
            var current = [i]
            for j in 1...right.count {
                let replaced = previous[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1)
                var cost = min(previous[j] + 1, current[j - 1] + 1, replaced)
                if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                    cost = min(cost, older[j - 2] + 1)
                }
                current.append(cost)
            }
            older = previous
            previous = current
        }
        return previous[right.count]
    }
}
