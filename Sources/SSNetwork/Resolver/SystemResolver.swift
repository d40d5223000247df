// The system's own resolver, getaddrinfo(3): the only one that honours /etc/hosts, nsswitch.conf and the
// search list of resolv.conf. It blocks, so it runs on threads of its own, and it cannot be called off, so
// there are few of them; `CachingResolver` bounds how many names queue up for them and how long anyone waits.
import NIOPosix
package import SSCommon

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

package final class SystemResolver: AddressLookup {
    private let threads: NIOThreadPool

    /// `shutdown` must be called when it is not needed any more.
    package init(threads count: Int = 4) {
        threads = NIOThreadPool(numberOfThreads: count)
        threads.start()
    }

    /// Ends the threads; lookups that have not begun come to nothing.
    package func shutdown() {
        threads.shutdownGracefully { _ in }
    }

    package func start(_ name: DomainName, done: @escaping @Sendable (TimedResolution) -> Void) {
        threads.submit { state in
            switch state {
            case .active: done(TimedResolution(Self.resolve(name), ttl: nil))
            case .cancelled: done(TimedResolution(.failed("shutting down"), ttl: nil))
            }
        }
    }

    private static func resolve(_ name: DomainName) -> Resolution {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name.text, nil, &hints, &list)
        guard code == 0 else { return failure(code) }
        defer { freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var entry = list
        // The list is the C library's, ends in null and lives until `freeaddrinfo` above.
        while let current = entry, addresses.count < DNSReply.addressLimit {
            if let address = Endpoint(current.pointee.ai_addr)?.address, !addresses.contains(address) {
                addresses.append(address)
            }
            entry = current.pointee.ai_next
        }
        return addresses.isEmpty ? .absent : .addresses(addresses)
    }

    private static func failure(_ code: CInt) -> Resolution {
        // EAI_NODATA and EAI_ADDRFAMILY of glibc, which hides the names.
        let noData: CInt = -5
        let noFamily: CInt = -9
        switch code {
        case EAI_NONAME, noData, noFamily: return .absent
        default: return .failed(String(cString: gai_strerror(code)))
        }
    }
}
