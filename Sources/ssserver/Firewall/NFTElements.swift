// Elements put into the sets of nftables and taken out of them without `nft`: to start a program for a single ban takes the
// longest part of the time from the last straw to the first dropped packet. A batch is one transaction, as a script of
// `nft` is. Where it fails for whatever reason, `nft` is asked, which mends things or says what is wrong.
internal import SSServerCore

#if os(Linux)
    #if canImport(Glibc)
        internal import Glibc
    #elseif canImport(Musl)
        internal import Musl
    #endif

    final class NFTElements {
        /// Bans and unbans of one batch: what fits into the send buffer of a socket that nobody has enlarged (208 KiB), and an
        /// attribute (64 KiB).
        static let capacity = 1024
        private static let netfilter: CInt = 12
        /// Seconds; the kernel answers before the call returns.
        private static let patience = 2

        private let socket: CInt
        private var sequence: UInt32 = 0

        /// Nil if the kernel has no such sockets.
        convenience init?() {
            #if canImport(Glibc)
                let kind = CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
                let socket = Glibc.socket(AF_NETLINK, kind, Self.netfilter)
            #else
                let socket = Musl.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, Self.netfilter)
            #endif
            guard socket >= 0 else { return nil }
            self.init(adopting: socket)
        }

        /// - Parameter socket: of NETLINK_NETFILTER; closed in the end.
        init(adopting socket: CInt) {
            self.socket = socket
            var patience = timeval(tv_sec: Self.patience, tv_usec: 0)
            setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        }

        deinit { close(socket) }

        /// False if not all of it has been done, or that is not known; it may be done again.
        /// - Parameter sets: all those that there are.
        func apply(_ changes: FirewallChanges, _ sets: Set<NFTSet>) -> Bool {
            // In one batch a ban counts more than an unban; so it does from the first to the last.
            for start in stride(from: 0, to: changes.unbans.count, by: Self.capacity) {
                let some = changes.unbans[start..<min(start + Self.capacity, changes.unbans.count)]
                guard apply(NFTStep.steps(FirewallChanges(unbans: Array(some)), sets)) else { return false }
            }
            for start in stride(from: 0, to: changes.bans.count, by: Self.capacity) {
                let some = changes.bans[start..<min(start + Self.capacity, changes.bans.count)]
                guard apply(NFTStep.steps(FirewallChanges(bans: Array(some)), sets)) else { return false }
            }
            return true
        }

        /// `outline` with what is in its sets; nil if that cannot be had.
        func fill(_ outline: NFTListing) -> NFTListing? {
            var listing = outline
            for set in outline.sets {
                let isDone = dump(set.name) { key, seconds in
                    if let prefix = NFTDump.prefix(key, of: set) { listing.bans[prefix] = seconds }
                }
                guard isDone else { return nil }
            }
            // There is always a set of them beside the others.
            guard !outline.sets.isEmpty else { return listing }
            var ports: [UInt16] = []
            let isDone = dump("ports") { key, _ in
                if key.count == 2 { ports.append(UInt16(key[key.startIndex]) << 8 | UInt16(key[key.startIndex + 1])) }
            }
            guard isDone else { return nil }
            listing.ports = ports
            return listing
        }

        /// Gives each element of a set, and the seconds that are left of it; false if that is not all of them.
        private func dump(_ set: String, _ each: (ArraySlice<UInt8>, UInt32?) -> Void) -> Bool {
            sequence &+= 1
            let request = NFTBatch.listing(of: set, sequence: sequence)
            let sent = request.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, 0) }
            guard sent == request.count else { return false }
            var answer = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = recv(socket, &answer, answer.count, 0)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                switch NFTDump.read(answer[..<count], sequence: sequence, each) {
                case .more: continue
                case .end: return true
                case .failure:
                    // The rest of it would be in the way of the next question.
                    while recv(socket, &answer, answer.count, CInt(MSG_DONTWAIT)) > 0 {}
                    return false
                }
            }
        }

        /// One transaction, of at most `capacity` elements; false if nothing of it has been done, or that is not known. All
        /// sets must be there.
        func apply(_ steps: [NFTStep]) -> Bool {
            if steps.isEmpty { return true }
            var batch = NFTBatch(first: sequence &+ 1)
            batch.begin()
            for (index, step) in steps.enumerated() { batch.add(step, isLast: index == steps.count - 1) }
            batch.end()
            let first = sequence &+ 1
            sequence = batch.sequence
            let sent = batch.bytes.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, 0) }
            return sent == batch.bytes.count && isDone(first: first, last: batch.lastStep)
        }

        /// Whether the kernel says so of the last step, and nothing ill of one before: it tells of them in their order.
        private func isDone(first: UInt32, last: UInt32) -> Bool {
            var answer = [UInt8](repeating: 0, count: 32 << 10)
            while true {
                let count = recv(socket, &answer, answer.count, 0)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                var rest = answer[..<count]
                while let (sequence, fault) = NFTBatch.takeVerdict(&rest) {
                    // What is left of a batch before is of no interest.
                    guard sequence &- first <= last &- first &+ 1 else { continue }
                    if fault != 0 { return false }
                    if sequence == last { return true }
                }
            }
        }
    }
#else
    /// There are no such sets elsewhere.
    final class NFTElements {
        init?() { return nil }
        func apply(_ changes: FirewallChanges, _ sets: Set<NFTSet>) -> Bool { false }
        func fill(_ outline: NFTListing) -> NFTListing? { nil }
    }
#endif
