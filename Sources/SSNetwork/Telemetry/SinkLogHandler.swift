// swift-log on our sink, for everything that is said rarely: a constant message, and metadata as fields. The
// relay's own events do not come this way, they cost less by `LogSink.record`.
package import Logging
internal import SSCommon

/// Writes a logger's lines to a sink.
package struct SinkLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level

    private let sink: LogSink

    package init(_ sink: LogSink) {
        self.sink = sink
        logLevel = Logger.Level(sink.minimum)
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let level = LogLevel(event.level)
        if level < sink.minimum { return }
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        var fields = all.sorted { $0.key < $1.key }.map { (name: $0.key, value: "\($0.value)") }
        if let error = event.error, all["error"] == nil { fields.append(("error", "\(error)")) }
        sink.log(level, event.message.description, fields)
    }
}

extension LogLevel {
    fileprivate init(_ level: Logger.Level) {
        switch level {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info, .notice: self = .info
        case .warning: self = .warning
        case .error, .critical: self = .error
        }
    }
}

extension Logger.Level {
    fileprivate init(_ level: LogLevel) {
        switch level {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info: self = .info
        case .warning: self = .warning
        case .error: self = .error
        }
    }
}
