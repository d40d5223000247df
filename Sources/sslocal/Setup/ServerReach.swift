// Whether servers take a TCP connection, and how long that takes. Nothing is sent: only a stream through the tunnel would show
// whether the key is right, and an idle connection tells an onlooker no more than the laptop's later ones.
internal import NIOCore
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

enum ServerReach {
    /// More servers than these are not tried.
    static let limit = 8

    /// One result for each of the first `limit` addresses, in order; all are tried at once.
    static func times(to addresses: [TargetAddress]) async -> [Result<Duration, DialError>] {
        let means = ProbeMeans(CommonSettings(), patience: .seconds(5))
        let attempts = addresses.prefix(limit).map { address in Task { await result(of: address, means) } }
        var results: [Result<Duration, DialError>] = []
        for attempt in attempts { results.append(await attempt.value) }
        await means.end()
        return results
    }

    private static func result(of address: TargetAddress, _ means: ProbeMeans) async -> Result<Duration, DialError> {
        do throws(DialError) {
            return .success(try await means.connectionTime(address))
        } catch {
            return .failure(error)
        }
    }
}
