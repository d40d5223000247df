// Everything a local port needs to know, handed in from outside: who may use it, how streams are opened, and what
// takes over when the handshake is done. The front itself opens no socket and resolves no name.
import Logging
import NIOCore
import SSCommon
import SSNetwork

/// Times after which a client or an origin that says nothing is given up. The dialer has its own.
struct FrontLimits: Sendable {
    /// From the accept to the end of a SOCKS handshake, or to the first byte of anything.
    var handshake = TimeAmount.seconds(10)
    /// From the first byte of an HTTP head to its last.
    var head = TimeAmount.seconds(10)
    /// Between two requests on one connection.
    var keepAliveIdle = TimeAmount.seconds(60)
    /// Without a byte of a request body that is still owed.
    var bodyIdle = TimeAmount.seconds(60)
    /// Without a byte of a response, before or in it; long, because of long polling.
    var responseIdle = TimeAmount.seconds(300)
    /// Between our last byte and the close, for a client that is still sending.
    var linger = TimeAmount.seconds(5)

    init() {}
}

/// Which protocols a port speaks.
enum FrontMode: Hashable, Sendable {
    /// All, told apart by the first byte.
    case mixed
    /// SOCKS5, SOCKS4 and 4a.
    case socks
    /// HTTP proxy.
    case http
}

struct FrontConfiguration: Sendable {
    /// Joins two channels. Both are active, on the same event loop, with `autoRead` off, remote half-closure on,
    /// and no handler of the front in them. `early` was read from the client and belongs to the upstream.
    /// If a side's input has ended already, `ChannelEvent.inputClosed` is fired into its pipeline afterwards.
    typealias StartRelay =
        @Sendable (_ client: any Channel, _ upstream: any Channel, _ early: ByteBuffer?) -> Void

    /// Opens a UDP association for the TCP connection `client`; `hint` is where the client means to send from.
    /// Returns the address to tell it, or fails with `DialError`. Whoever implements this ends the association
    /// when `client.closeFuture` completes, which may be before the association is even open.
    typealias OpenAssociation =
        @Sendable (_ client: any Channel, _ hint: TargetAddress) -> EventLoopFuture<Endpoint>

    var mode = FrontMode.mixed
    var dialer: any StreamDialer
    var users = FrontUsers()
    /// This proxy's name in Via; a token, the same for every user so that it tells origins nothing.
    var via = "sslocal"
    /// Whom a failed dial is about.
    var reach = DialReach.server
    var limits = FrontLimits()
    var startRelay: StartRelay
    /// Nil where UDP is not served.
    var openAssociation: OpenAssociation?
    /// Where the requests that are forwarded here are counted; those that become relays count there.
    var counters: (@Sendable (any EventLoop) -> TrafficCounters)?
    /// A fresh id for a page and its log line.
    var requestID: @Sendable () -> String
    /// Seconds since 1970.
    var now: @Sendable () -> Int64
    var logger: Logger

    init(
        dialer: any StreamDialer, logger: Logger, now: @escaping @Sendable () -> Int64,
        requestID: @escaping @Sendable () -> String = FrontConfiguration.randomID,
        startRelay: @escaping StartRelay, openAssociation: OpenAssociation? = nil
    ) {
        self.dialer = dialer
        self.logger = logger
        self.now = now
        self.requestID = requestID
        self.startRelay = startRelay
        self.openAssociation = openAssociation
    }

    /// Eight hexadecimal digits.
    static let randomID: @Sendable () -> String = {
        String(UInt64(UInt32.random(in: .min ... .max)) | 1 << 32, radix: 16).dropFirst().description
    }
}
