// By how much clocks are off that were set wrong: by a few minutes, or by the hours between two time zones, as where a
// second system on the machine takes its clock for local time.
//
// Only times that are over by our own clock are tried. What is sealed for a later time is refused now and good then: whoever
// recorded it could play it once that time has come, and the server's answer would show what it is.

package enum ClockSearch {
    /// Seconds to set our clock forward, all negative, the likeliest first. A server takes what is 30 seconds off, so each finds
    /// a minute.
    package static let offsets: [Int64] = (1...5).map { -60 * $0 } + zones.map { -$0 }

    /// The distances of the world's time zones from UTC, in seconds.
    private static let zones: [Int64] = {
        let quarters: [Int64] = [
            4, 8, 12, 32, 20, 14, 22, 28, 16, 24, 36, 40, 44, 48, 18, 26, 23, 34, 38, 42, 52, 56, 10, 13, 35, 51,
        ]
        return quarters.map { $0 * 900 }
    }()

    /// `1 h`, `3 h 30 min`, `95 s`: of a number of seconds without its sign.
    package static func span(_ seconds: Int64) -> String {
        let seconds = seconds.magnitude
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200 where seconds % 3600 > 60: return "\(seconds / 60) min"
        case ..<172_800:
            let minutes = seconds % 3600 / 60
            return "\(seconds / 3600) h" + (minutes == 0 ? "" : " \(minutes) min")
        default: return "\(seconds / 86_400) days"
        }
    }
}
