// What people are to be told of a log that is followed: an event each time, a state once for as long as it lasts, and never more
// than a handful, whether or not anybody takes them.

struct LogNotices {
    private static let limit = 16
    private var waiting: [String] = []
    private var state: String?

    mutating func add(_ event: String) {
        if waiting.count < Self.limit { waiting.append(event) }
    }

    mutating func lasts(_ state: String) {
        guard state != self.state else { return }
        self.state = state
        add(state)
    }

    /// The state is over, if there was one.
    mutating func isOver(_ event: String) {
        if state != nil { add(event) }
        state = nil
    }

    mutating func take() -> [String] {
        defer { waiting = [] }
        return waiting
    }
}
