// The log as the configuration wants it.
package import Logging
package import SSCommon
package import SSNetwork

package enum LogSetup {
    /// Opens the log. Throws if its file cannot be opened.
    package static func open(_ configuration: LogConfiguration) throws(StartFailure) -> (LogSink, Logger) {
        let isJournal =
            configuration.file == nil && LogSink.isJournal(stream: Environment.variable("JOURNAL_STREAM"))
        do {
            let target = configuration.file.map { LogSink.Target.file($0) } ?? .descriptor(2)
            let sink = try LogSink(
                target, format: configuration.format, minimum: configuration.level, isJournal: isJournal)
            let logger = Logger(label: "shadowsocks") { _ in SinkLogHandler(sink) }
            return (sink, logger)
        } catch {
            throw StartFailure(
                "\(error)", help: "\"file\" under \"log\" names a file in a folder this user may write to")
        }
    }
}
