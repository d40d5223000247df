// The resolver that the settings ask for.
package import NIOCore
package import SSCommon
package import SSNetwork

extension CommonSettings {
    /// The system's resolver, or a stub that asks the configured nameservers; cached either way. `end` is to be called
    /// while the loops of `group` still run.
    package func makeResolver(
        _ group: any EventLoopGroup
    ) -> (resolver: any NameResolver, end: @Sendable () -> Void) {
        if nameservers.isEmpty {
            let system = SystemResolver()
            return (CachingResolver(system, ipv6First: ipv6First), { system.shutdown() })
        }
        return (CachingResolver(StubResolver(nameservers, group: group), ipv6First: ipv6First), {})
    }
}

extension KeepAlive {
    /// Of the `keep_alive` key.
    package init(_ idle: Duration) {
        self.init(idle: CInt(clamping: idle.components.seconds))
    }
}

extension TimeAmount {
    package init(seconds duration: Duration) {
        self = .nanoseconds(
            duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000)
    }
}
