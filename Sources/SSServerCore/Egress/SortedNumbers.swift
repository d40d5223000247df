// A small set that is asked for every datagram: a binary search over a few neighbouring numbers is several times
// quicker than hashing one.

/// A set of numbers.
struct SortedNumbers<Number: FixedWidthInteger & Sendable>: Hashable, Sendable {
    private let numbers: [Number]

    init(_ numbers: Set<Number>) {
        self.numbers = numbers.sorted()
    }

    func contains(_ number: Number) -> Bool {
        var (low, high) = (0, numbers.count)
        while low < high {
            let middle = low + (high - low) / 2
            if numbers[middle] == number { return true }
            if numbers[middle] < number { low = middle + 1 } else { high = middle }
        }
        return false
    }
}
