// Streams that are open under rules, so that a new rule can end those that it refuses.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

/// What can be ended from here.
protocol CuttableStream: AnyObject {
    func cut()
}

extension Relay: CuttableStream {}

/// One stream; on its loop.
final class OpenSession {
    let judge: RequestJudge
    let client: IPAddress?
    weak var stream: (any CuttableStream)?

    init(_ judge: RequestJudge, client: IPAddress?) {
        self.judge = judge
        self.client = client
    }
}

/// Those of all loops.
///
/// `@unchecked Sendable`: the table of lists is filled once; each list is only touched on its own loop.
final class OpenSessions: @unchecked Sendable {
    private final class List {
        var sessions: [ObjectIdentifier: OpenSession] = [:]
    }

    private let lists: [ObjectIdentifier: (loop: any EventLoop, list: List)]

    init(_ group: any EventLoopGroup) {
        var lists: [ObjectIdentifier: (loop: any EventLoop, list: List)] = [:]
        for loop in group.makeIterator() { lists[ObjectIdentifier(loop)] = (loop, List()) }
        self.lists = lists
    }

    func add(_ session: OpenSession, on loop: any EventLoop) {
        lists[ObjectIdentifier(loop)]?.list.sessions[ObjectIdentifier(session)] = session
    }

    func remove(_ session: OpenSession, on loop: any EventLoop) {
        lists[ObjectIdentifier(loop)]?.list.sessions[ObjectIdentifier(session)] = nil
    }

    /// Ends what `policy` refuses, if it is to.
    func endRefused(by policy: Policy) {
        guard policy.endsSessions else { return }
        for id in lists.keys {
            lists[id]?.loop.execute { [self] in
                for session in lists[id]?.list.sessions.values ?? [:].values
                where session.judge.isRefusedNow(by: policy, client: session.client) != nil {
                    session.stream?.cut()
                }
            }
        }
    }
}
