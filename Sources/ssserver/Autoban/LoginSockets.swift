// Who is connected to a port of this machine, asked of the kernel alone (linux/sock_diag.h, linux/inet_diag.h): it looks through its
// table in a few milliseconds where it takes a tenth of a second to print that with ten thousand connections in it.
internal import SSCommon

#if os(Linux)
    #if canImport(Glibc)
        internal import Glibc
    #elseif canImport(Musl)
        internal import Musl
    #endif
#endif

enum LoginSockets {
    /// The other ends of open TCP connections to `ports`; nil where the kernel does not answer such questions.
    static func peers(at ports: Set<UInt16>) -> [IPAddress]? {
        #if os(Linux)
            #if canImport(Glibc)
                let socket = Glibc.socket(AF_NETLINK, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), diagnosis)
            #else
                let socket = Musl.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, diagnosis)
            #endif
            guard socket >= 0 else { return nil }
            defer { close(socket) }
            var patience = timeval(tv_sec: 1, tv_usec: 0)
            setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
            var peers: [IPAddress] = []
            var sequence: UInt32 = 0
            for port in ports {
                for family in [AF_INET, AF_INET6] {
                    sequence += 1
                    let request = request(UInt8(family), port, sequence)
                    let sent = request.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, 0) }
                    guard sent == request.count, readAll(socket, sequence, &peers) else { return nil }
                }
            }
            return peers
        #else
            return nil
        #endif
    }

    #if os(Linux)
        /// NETLINK_SOCK_DIAG
        private static let diagnosis: CInt = 4

        private static func readAll(_ socket: CInt, _ sequence: UInt32, _ peers: inout [IPAddress]) -> Bool {
            var answer = [UInt8](repeating: 0, count: 32 << 10)
            while true {
                let count = recv(socket, &answer, answer.count, 0)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                switch read(answer[..<count], sequence, &peers) {
                case .more: continue
                case .end: return true
                case .failure: return false
                }
            }
        }
    #endif

    /// SOCK_DIAG_BY_FAMILY
    private static let byFamily: UInt16 = 20

    /// Of that kind, with a struct inet_diag_req_v2, of connections in the state ESTABLISHED.
    static func request(_ family: UInt8, _ port: UInt16, _ sequence: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ number: some FixedWidthInteger) { withUnsafeBytes(of: number) { bytes += $0 } }
        append(UInt32(72))
        append(byFamily)
        // NLM_F_REQUEST, NLM_F_DUMP
        append(UInt16(0x301))
        append(sequence)
        append(UInt32(0))
        bytes += [family, 6, 0, 0]
        append(UInt32(1 << 1))
        append(port.bigEndian)
        bytes += repeatElement(0, count: 38)
        // Any socket.
        bytes += repeatElement(0xff, count: 8)
        return bytes
    }

    /// Of a struct inet_diag_msg each.
    static func read(
        _ answer: ArraySlice<UInt8>, _ sequence: UInt32, _ peers: inout [IPAddress]
    ) -> NetlinkMessage.Outcome {
        var rest = answer
        while let message = NetlinkMessage(from: &rest) {
            guard message.sequence == sequence else { continue }
            if message.kind == NetlinkMessage.done { return .end }
            if message.kind == NetlinkMessage.error { return .failure }
            guard message.kind == byFamily, message.body.count >= 40, let family = message.body.first else { continue }
            let address = message.body.dropFirst(24)
            let high = address.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let low = address.dropFirst(8).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            // AF_INET6
            if family == 10 {
                peers.append(IPAddress.v6(IPv6Address(high: high, low: low)).folded)
            } else {
                peers.append(.v4(IPv4Address(UInt32(truncatingIfNeeded: high >> 32))))
            }
        }
        return rest.isEmpty ? .more : .failure
    }
}
