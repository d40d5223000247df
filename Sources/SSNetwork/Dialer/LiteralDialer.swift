package import NIOCore
internal import NIOPosix
package import SSCommon

package struct LiteralDialer: StreamDialer {
    package init() {}
    package func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        guard case .ip(let ip) = target.host else {
            return eventLoop.makeFailedFuture(DialError.nameNotFound)
        }
        let address = Endpoint(ip, target.port).socketAddress
        return ClientBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.syncOptions!.setOption(.allowRemoteHalfClosure, value: true)
                    try configure(channel)
                }
            }
            .connect(to: address).flatMapErrorThrowing { _ in throw DialError.refused }
    }
}
