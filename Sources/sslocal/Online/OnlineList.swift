// "online_config": the configuration's servers as somebody publishes them. The list is fetched again and again, at times that
// do not repeat to the second; what is no list changes nothing.
internal import Logging
internal import NIOCore
internal import SSCommon
internal import SSNetwork

struct OnlineList: Sendable {
    let configuration: OnlineConfiguration
    let lists: ServerLists
    let sources: ListSources
    let logger: Logger
    let eventLoop: any EventLoop

    /// Before the first time: not at once, for the program has only just begun.
    private static let firstWait = 2.0...20.0
    /// How long to wait after a failure at most.
    private static let longestRetry = Duration.seconds(300)

    /// Goes on until the loop ends.
    func start() { schedule(after: .milliseconds(Int64(Double.random(in: Self.firstWait) * 1000))) }

    private func schedule(after wait: Duration) {
        eventLoop.scheduleTask(in: TimeAmount(wait)) {
            Task { schedule(after: await update() ? interval : min(interval, Self.longestRetry * Self.jitter)) }
        }
    }

    private var interval: Duration { configuration.interval * Self.jitter }

    private static var jitter: Double { Double.random(in: 0.75..<1.25) }

    private func update() async -> Bool {
        let place = "\(configuration.address)"
        do throws(HTTPSFetch.Failure) {
            let bytes = try await sources.fetch(configuration.address, isDirect: configuration.isDirect)
            let document = SIP008Document(bytes, path: place)
            let faults = document.diagnostics.filter { $0.severity == .error }.map(\.message)
            do throws(ServerLists.Refusal) {
                let skipped = faults + (try lists.publish(document.servers))
                for reason in skipped.prefix(5) {
                    logger.warning(
                        "a server of the online list is left out",
                        metadata: ["list": "\(place)", "reason": "\(reason)"])
                }
                return true
            } catch {
                logger.warning(
                    "the online list is no good and not used", metadata: ["list": "\(place)", "reason": "\(error)"])
            }
        } catch {
            logger.warning("the online list cannot be fetched", metadata: ["reason": "\(error)"])
        }
        return false
    }
}

/// The two ways to a list.
struct ListSources: Sendable {
    let tunnel: any StreamDialer
    let direct: any StreamDialer
    let eventLoop: any EventLoop

    func fetch(_ address: HTTPSAddress, isDirect: Bool) async throws(HTTPSFetch.Failure) -> [UInt8] {
        try await HTTPSFetch(dialer: isDirect ? direct : tunnel, eventLoop: eventLoop).get(address)
    }
}
