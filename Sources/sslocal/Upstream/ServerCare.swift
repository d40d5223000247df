// What is done for the servers by the clock: looking at requests that wait, checks, and the command for when nothing works.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

struct ServerCare: Sendable {
    let servers: ServerSet
    let check: ServerCheck
    let command: UnreachableCommand?
    /// Called when names should be resolved anew.
    let forgetNames: @Sendable () -> Void
    let eventLoop: any EventLoop

    /// Between two looks; longer where nothing is to be decided.
    private static let period = TimeAmount.seconds(1)
    private static let longPeriod = TimeAmount.seconds(5)

    /// Goes on until the loop ends.
    func start() {
        eventLoop.scheduleTask(in: servers.isWatching ? Self.period : Self.longPeriod) {
            look()
            start()
        }
    }

    private func look() {
        servers.look()
        guard servers.isWatching else { return }
        for (server, target) in servers.checksDue() { check.run(server, target, on: eventLoop) }
        guard let command, let occasion = servers.isAlarmDue() else { return }
        command.run(occasion) {
            forgetNames()
            servers.tryAllAgain()
        }
    }
}
