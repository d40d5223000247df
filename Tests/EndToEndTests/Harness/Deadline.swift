// A moment on the monotonic clock: every wait of these tests has one.
struct Deadline {
    private let moment: ContinuousClock.Instant

    init(_ seconds: Double) { moment = .now + .seconds(seconds) }

    var hasPassed: Bool { secondsLeft <= 0 }
    /// Not below zero.
    var secondsLeft: Double {
        let left = ContinuousClock.now.duration(to: moment)
        return max(0, left.seconds)
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

/// Runs `body` and says how many seconds it took.
func timed<Value>(_ body: () throws -> Value) rethrows -> (Value, Double) {
    let start = ContinuousClock.now
    let value = try body()
    return (value, start.duration(to: .now).seconds)
}

/// Waits until `condition` holds; false when it does not within `seconds`.
func eventually(_ seconds: Double = 3, _ condition: () -> Bool) -> Bool {
    let deadline = Deadline(seconds)
    while !condition() {
        if deadline.hasPassed { return false }
        pause(0.005)
    }
    return true
}
