// The servers as the admin API tells them: everything but their keys.
internal import SSCommon

struct ServerReport {
    private let contents: ServerSet.Contents
    private let now = ContinuousClock.now

    init(_ contents: ServerSet.Contents) { self.contents = contents }

    /// Whether any server may work.
    var works: Bool { !contents.table.isAllDown }

    /// Streams that go through the servers of the list.
    var openStreams: Int { contents.servers.reduce(0) { $0 + $1.openStreams } }

    /// In the user's order.
    var servers: JSONNode {
        .array(zip(contents.servers, contents.table.entries).map(row))
    }

    private func row(_ server: UpstreamServer, _ entry: ServerTable.Entry) -> JSONNode {
        // Where there is one server its streams are not timed; when it last answered is known from the marks they leave.
        let lastAnswer = [entry.lastAnswer, server.lastAnswer].compactMap(\.self).max()
        return .members([
            "name": JSONNode(server.entry.configuration.name), "address": .string("\(server.address)"),
            "method": .string(server.credential.method.rawValue), "mode": .string(server.mode.rawValue),
            "state": .string(entry.state.word), "in_use": .bool(entry.isInUse),
            "answer_ms": milliseconds(entry.answer), "handshake_ms": milliseconds(entry.handshake),
            "last_answer_seconds_ago": lastAnswer.map { .number(max(0, (now - $0).components.seconds)) } ?? .null,
            "streams": .number(Int64(server.openStreams)), "failures": .number(Int64(entry.failures)),
            "next_try_seconds": entry.nextCheck.map { .number(max(0, ($0 - now).components.seconds)) } ?? .null,
        ])
    }

    private func milliseconds(_ time: Duration?) -> JSONNode {
        time.map { .decimal($0 / .milliseconds(1)) } ?? .null
    }
}
