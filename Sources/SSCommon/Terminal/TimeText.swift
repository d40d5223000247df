// Spans of time for a person, no finer than one wants to know.

package enum TimeText {
    /// `8 s`, `12 min`, `4 h 10 min`, `3 d 4 h`.
    package static func span(_ seconds: UInt64) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min"
        case ..<86_400: "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        default: "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h"
        }
    }
}
