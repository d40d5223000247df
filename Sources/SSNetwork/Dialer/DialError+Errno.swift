// The system's error numbers in the words of `DialError`, which fronts turn into SOCKS codes and statuses.
import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension DialError {
    /// Any error of a connection attempt.
    package init(_ error: any Error) {
        switch error {
        case let error as DialError: self = error
        case let error as IOError: self.init(errno: error.errnoCode)
        case ChannelError.connectTimeout: self = .timedOut
        // Closed under way: by a limit of ours or by shutting down.
        case ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed: self = .failed("closed while connecting")
        case EventLoopError.shutdown: self = .failed("shutting down")
        default: self = .failed("\(type(of: error))")
        }
    }

    package init(errno code: CInt) {
        switch code {
        case ECONNREFUSED, ECONNRESET: self = .refused
        case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EADDRNOTAVAIL, EAFNOSUPPORT: self = .unreachable
        case ETIMEDOUT: self = .timedOut
        case EMFILE, ENFILE, ENOBUFS, ENOMEM, EAGAIN: self = .exhausted
        // A firewall of this machine said no.
        case EACCES, EPERM: self = .notAllowed
        default: self = .failed("error \(code) (\(String(cString: strerror(code))))")
        }
    }

    /// How much this says about the target, to choose among the failures of several addresses: that one family
    /// has no route says the least.
    var weight: Int {
        switch self {
        case .unreachable: 0
        case .failed: 1
        case .notAllowed: 2
        case .nameNotFound: 3
        case .timedOut: 4
        case .refused: 5
        case .exhausted: 6
        }
    }
}
