// Closing so that the peer sees a failure (RST): for a stream that was cut off or altered, whose application must
// not take what arrived for the whole. Never used towards a peer that has not authenticated.
package import NIOCore

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

extension Channel {
    package func abort() {
        #if os(Linux)
            if let channel = self as? StreamChannel { return channel.abort() }
        #endif
        // On the channel's own loop the option is set before `close` runs.
        (self as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in }
        close(promise: nil)
    }
}
