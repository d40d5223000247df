// How long something mostly takes at best. One slow target says nothing about the server before it, one fast answer says
// that it can be fast: the value goes down quickly and up slowly, and so stays near the lower end of what is seen.

package struct SmoothedTime: Hashable, Sendable {
    package private(set) var value: Duration?

    /// Longer ones are the target's doing.
    private static let longest = Duration.seconds(10)

    package init() {}

    package mutating func add(_ sample: Duration) {
        let sample = min(max(sample, .zero), Self.longest)
        guard let old = value else {
            value = sample
            return
        }
        value = old + (sample - old) / (sample < old ? 2 : 8)
    }
}
