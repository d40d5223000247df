// How important a log line is, and the three shapes a line can take. The level words are those the
// Shadowsocks world's log readers know (Python's logging), padded by `LogFormatter`.

/// The importance of a log line, least first.
package enum LogLevel: UInt8, CaseIterable, Comparable, Sendable {
    /// Every step of every connection; for a developer.
    case trace
    /// What somebody hunting a fault wants to see.
    case debug
    /// What a healthy program says.
    case info
    /// Something is not as it should be, and the program goes on.
    case warning
    /// Something failed.
    case error

    /// The level a configuration or a flag names; case does not matter. Nil for an unknown word.
    package init?(name: some StringProtocol) {
        switch name.lowercased() {
        case "trace": self = .trace
        case "debug": self = .debug
        case "info", "notice": self = .info
        case "warning", "warn": self = .warning
        case "error", "critical": self = .error
        default: return nil
        }
    }

    /// The word in configurations, in logfmt and in JSON.
    package var name: StaticString {
        switch self {
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    /// The word in text lines, padded to eight columns and followed by the space that ends the column.
    var column: StaticString {
        switch self {
        case .trace: "TRACE    "
        case .debug: "DEBUG    "
        case .info: "INFO     "
        case .warning: "WARNING  "
        case .error: "ERROR    "
        }
    }

    /// The priority prefix of sd-daemon(3), from which the journal takes the level of a line.
    var journalPrefix: StaticString {
        switch self {
        case .trace, .debug: "<7>"
        case .info: "<6>"
        case .warning: "<4>"
        case .error: "<3>"
        }
    }

    package static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The shape of a log line.
package enum LogFormat: String, CaseIterable, Sendable {
    /// `2026-11-21 02:50:01 INFO     connecting host:443 from 203.0.113.9:51234`.
    case text
    /// `time=… level=info msg=connecting target=host:443 peer=… status=OK`.
    case logfmt
    /// One JSON object (RFC 8259) a line.
    case json
}
