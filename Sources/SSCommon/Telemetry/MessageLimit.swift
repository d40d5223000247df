// A fault that repeats (descriptors used up, a resolver that is down) must not fill the disk with one sentence.
// Each general message may be written a few times in a window; what is held back is counted and told with the
// next line of that message. Relay events are not limited: bans are counted from them.

/// Decides which general messages are written. Messages are constants of ours, so there are few of them.
package struct MessageLimit: Sendable {
    /// How many lines of one message pass in one window.
    package static let linesPerWindow = 20
    /// The length of a window in seconds.
    package static let window: Int64 = 10
    /// How many different messages are remembered; a message built from foreign text cannot use up memory.
    static let rememberedMessages = 256

    private struct Entry {
        var start: Int64
        var written: Int
        var heldBack: Int
    }

    private var entries: [String: Entry] = [:]

    package init() {}

    /// What to do with one more line.
    package enum Verdict: Hashable, Sendable {
        /// Write it, and say how many of its kind were held back since the last.
        case write(heldBack: Int)
        /// Leave it out.
        case holdBack
    }

    /// Judges one line of `message` at `now` (seconds of any clock).
    package mutating func judge(_ message: String, now: Int64) -> Verdict {
        guard var entry = entries[message] else {
            makeRoom(now: now)
            entries[message] = Entry(start: now, written: 1, heldBack: 0)
            return .write(heldBack: 0)
        }
        defer { entries[message] = entry }
        if now >= entry.start + Self.window || now < entry.start {
            let heldBack = entry.heldBack
            entry = Entry(start: now, written: 1, heldBack: 0)
            return .write(heldBack: heldBack)
        }
        if entry.written < Self.linesPerWindow {
            entry.written += 1
            return .write(heldBack: 0)
        }
        entry.heldBack += 1
        return .holdBack
    }

    private mutating func makeRoom(now: Int64) {
        if entries.count < Self.rememberedMessages { return }
        entries = entries.filter { now < $0.value.start + Self.window && now >= $0.value.start }
        if entries.count >= Self.rememberedMessages { entries.removeAll() }
    }
}
