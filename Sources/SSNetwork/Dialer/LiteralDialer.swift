package import NIOCore
internal import NIOPosix
package import SSCommon

package struct LiteralDialer: StreamDialer {
    package init() {}
    package func dial(_ target: TargetAddress, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        guard case .ip(let ip) = target.host, let address = try? SocketAddress(ipAddress: ip.description, port: Int(target.port)) else {
            return eventLoop.makeFailedFuture(DialError.nameNotFound)
        }
        return ClientBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.syncOptions!.setOption(.autoRead, value: false)
                    try channel.syncOptions!.setOption(.allowRemoteHalfClosure, value: true)
                    try channel.syncOptions!.setOption(.socketOption(.tcp_nodelay), value: 1)
                }
            }
            .connect(to: address).flatMapErrorThrowing { _ in throw DialError.refused }
    }
}
