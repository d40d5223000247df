// What was served before, of this run and of earlier ones, so that nothing is served twice.
internal import Logging
internal import SSCommon
internal import SSNetwork

struct ReplayMemory: Sendable {
    /// Salts of streams.
    let streams: ReplayGuard
    /// Salts of classic datagrams; apart from the streams' so that a burst of one does not age the other's memory.
    let datagrams: ReplayGuard
    /// Sessions of SIP022's datagrams.
    let sessions: SessionLedger?

    private static let datagramCapacity = 100_000

    /// Kept in `directory`, which is made; where that cannot be, in memory, with a warning.
    init(directory: String?, logger: Logger) {
        @Sendable func lost(_ failure: some CustomStringConvertible) {
            logger.warning(
                "what was served cannot be kept in a file any more, so a restart forgets it",
                metadata: ["reason": "\(failure)"])
        }
        func forgetful(_ reason: some CustomStringConvertible) -> ReplayMemory {
            logger.warning(
                "what was served cannot be kept in a file, so a restart forgets it and old requests may be played again",
                metadata: ["reason": "\(reason)"])
            return ReplayMemory(
                streams: ReplayGuard(), datagrams: ReplayGuard(capacity: Self.datagramCapacity), sessions: nil)
        }
        guard let directory else {
            self = forgetful("there is no home directory; name a \"state_directory\"")
            return
        }
        do {
            let datagrams = directory + "/datagrams"
            try StateDirectory.make(datagrams)
            self.init(
                streams: try ReplayGuard(directory: directory) { lost($0) },
                datagrams: try ReplayGuard(directory: datagrams, capacity: Self.datagramCapacity) { lost($0) },
                sessions: try SessionLedger(datagrams + "/sessions") { lost($0) })
        } catch {
            self = forgetful("\(error)")
        }
    }

    private init(streams: ReplayGuard, datagrams: ReplayGuard, sessions: SessionLedger?) {
        self.streams = streams
        self.datagrams = datagrams
        self.sessions = sessions
    }
}
