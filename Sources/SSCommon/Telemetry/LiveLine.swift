// One line that tells a person at a terminal that the proxy works and how busy it is, fitted to the width.

/// Renders the live line of `sslocal run --live`.
package struct LiveLine: Sendable {
    /// Whether arrows and dots may be used; otherwise ASCII stands in.
    package var isUnicode: Bool

    private var previous = TrafficSnapshot()
    /// Bytes a second, smoothed: half of it is the last interval's.
    private var rate = 0.0

    package init(isUnicode: Bool = true) {
        self.isUnicode = isUnicode
    }

    /// The line for `snapshot`, `seconds` after the one before, at most `width` columns. Parts that do not fit
    /// are left out, the least telling first; there is no line feed.
    package mutating func render(_ snapshot: TrafficSnapshot, after seconds: Double, width: Int) -> String {
        let moved = Double(snapshot.bytesUp &- previous.bytesUp) + Double(snapshot.bytesDown &- previous.bytesDown)
        if seconds > 0 { rate = (rate + moved / seconds) / 2 }
        if rate < 1 { rate = 0 }
        previous = snapshot
        return fit(parts(snapshot), width: width)
    }

    /// The parts from left to right; the lowest rank goes first when there is no room.
    private func parts(_ snapshot: TrafficSnapshot) -> [(rank: Int, text: String)] {
        let (up, down) = isUnicode ? ("↑ ", "↓ ") : ("up ", "down ")
        var parts: [(rank: Int, text: String)] = [
            (6, Self.count(snapshot.streamsOpen, "stream", "streams")),
            (2, "\(snapshot.streamsOpened) opened"),
            (4, up + Self.bytes(snapshot.bytesUp) + " " + down + Self.bytes(snapshot.bytesDown)),
            (5, Self.bytes(UInt64(min(rate, 1e15))) + "/s"),
        ]
        if snapshot.associationsOpened > 0 { parts.append((1, "\(snapshot.associationsOpen) udp")) }
        parts.append((3, "\(snapshot.failures) failed"))
        return parts
    }

    private func fit(_ parts: [(rank: Int, text: String)], width: Int) -> String {
        var parts = parts
        let separator = isUnicode ? " · " : " | "
        while !parts.isEmpty {
            let line = parts.map(\.text).joined(separator: separator)
            // Every character used here is one scalar and one column.
            if line.unicodeScalars.count <= width { return line }
            guard let least = parts.indices.min(by: { parts[$0].rank < parts[$1].rank }) else { break }
            parts.remove(at: least)
        }
        return ""
    }

    private static func count(_ number: UInt64, _ one: String, _ many: String) -> String {
        "\(number) \(number == 1 ? one : many)"
    }

    /// Bytes in decimal units with three digits or so: `999 B`, `1.2 MB`, `310 MB`.
    package static func bytes(_ count: UInt64) -> String {
        if count < 1000 { return "\(count) B" }
        let units = ["kB", "MB", "GB", "TB", "PB", "EB"]
        var tenths = count / 100 + (count % 100 >= 50 ? 1 : 0)
        var unit = 0
        while tenths >= 9995 {
            tenths = tenths / 1000 + (tenths % 1000 >= 500 ? 1 : 0)
            unit += 1
        }
        if tenths < 1000 { return "\(tenths / 10).\(tenths % 10) \(units[unit])" }
        return "\((tenths + 5) / 10) \(units[unit])"
    }
}
