// Where a rule stands, in four bytes: lines of all sources are numbered through, so that a million rules need no text.

/// A number for a line of one of the sources; see `RuleSources`.
package struct RulePlace: Hashable, Sendable {
    /// At most this many lines are told apart; what comes behind is told to be of the last one.
    static let limit: UInt32 = 1 << 29

    let number: UInt32

    init(_ number: UInt32) { self.number = min(number, Self.limit - 1) }
}

/// The sources of rules and how many lines each had: files, the configuration, commands.
package struct RuleSources: Hashable, Sendable {
    private var names: [String] = []
    /// The first line's number of each source.
    private var starts: [UInt32] = []
    private var next: UInt32 = 0

    package init() {}

    /// Begins `source`; its first line is 1.
    package mutating func begin(_ source: String) {
        names.append(source)
        starts.append(next)
    }

    /// The place of the next line of the latest source.
    package mutating func advance() -> RulePlace {
        let place = RulePlace(next)
        next = min(next + 1, RulePlace.limit - 1)
        return place
    }

    /// The place of a line of the latest source, counted from 1.
    package mutating func place(line: Int) -> RulePlace {
        let number = (starts.last ?? 0) + UInt32(clamping: max(1, line) - 1)
        next = min(max(next, number + 1), RulePlace.limit - 1)
        return RulePlace(number)
    }

    /// The source's name and the line.
    package func origin(of place: RulePlace) -> (source: String, line: Int) {
        // The last source that begins at or before the place.
        var (low, high) = (0, starts.count)
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= place.number { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return ("", 0) }
        return (names[low - 1], Int(place.number - starts[low - 1]) + 1)
    }
}
