// How long bans last: the first for a while, each further one twice as long as the one before, up to a longest; and how long it is
// remembered that there was one.

package struct BanTerms: Hashable, Sendable {
    /// Seconds of a first ban; at least 1.
    package var first: Int64 = 600
    /// Seconds of the longest; at least as many.
    package var longest: Int64 = 7 * 86_400

    /// A ban lasts longer by up to this share of it, so that those that began together do not end together.
    private static let jitter = 0.1
    /// Ten years: no ban lasts longer.
    package static let most: Int64 = 10 * 365 * 86_400

    package init() {}

    package init(first: Int64, longest: Int64) {
        self.first = max(1, first)
        self.longest = max(self.first, longest)
    }

    /// As `text` has them.
    package init?(text: String) {
        let numbers = text.split(separator: " ").compactMap { Int64($0) }
        guard numbers.count == 2, (1...Self.most).contains(numbers[0]), (1...Self.most).contains(numbers[1]) else {
            return nil
        }
        self.init(first: numbers[0], longest: numbers[1])
    }

    package var text: String { "\(first) \(longest)" }

    /// Of the ban that is the `count`th, from 1 on. `chance` is 0..<1.
    package func seconds(of count: Int, chance: Double) -> Int64 {
        var seconds = first
        var doublings = count - 1
        while doublings > 0, seconds < longest {
            seconds *= 2
            doublings -= 1
        }
        seconds = min(seconds, longest)
        return min(longest, seconds + Int64(Double(seconds) * Self.jitter * chance))
    }

    /// Seconds after the end of a ban of `seconds` in which the next one counts as a repeat.
    package func memory(of seconds: Int64) -> Int64 { 2 * seconds }
}
