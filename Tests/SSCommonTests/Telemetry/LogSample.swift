// What the log tests share: lines as text, one target and one peer.
import SSCommon
import Testing

enum LogSample {
    /// 2026-11-21 02:50:01 in a zone an hour east of Greenwich.
    static let time = LogTime(seconds: 1_795_225_801, offset: 3600)

    static func target(_ host: [UInt8], _ port: UInt16 = 443) throws -> TargetAddress {
        TargetAddress(.name(try #require(HostName(host))), port: port)
    }

    static func target(_ text: String, _ port: UInt16 = 443) throws -> TargetAddress {
        try #require(TargetAddress(host: text, port: port))
    }

    static func endpoint(_ text: String, _ port: UInt16 = 51234) throws -> Endpoint {
        Endpoint(try #require(IPAddress(text)), port)
    }

    static func line(_ format: LogFormat, _ event: RelayEvent, isJournal: Bool = false) -> [UInt8] {
        var formatter = LogFormatter(format: format, isJournal: isJournal)
        var line: [UInt8] = []
        formatter.append(event, at: time, to: &line)
        return line
    }

    static func line(
        _ format: LogFormat, _ level: LogLevel, _ message: String, _ fields: [(name: String, value: String)] = []
    ) -> [UInt8] {
        var formatter = LogFormatter(format: format)
        var line: [UInt8] = []
        formatter.append(level, message, fields, at: time, to: &line)
        return line
    }

    static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
