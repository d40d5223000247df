// One autoban for each firewall: two would take away each other's rules. A name in the kernel says that one is there, in the network
// whose packets it drops, whatever directory it keeps its state in; it goes away with the process.
internal import Dispatch
internal import Logging
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

final class AutobanMark: Sendable {
    /// Who has the name.
    enum Taken: Error {
        case autoban
        /// It cannot be told.
        case somebody
        /// Who could not change a firewall, and has no say here.
        case stranger
    }

    /// An address of unix(7) that is in no directory.
    static let name = "swift-shadowsocks-autoban"

    /// Lets go of those who have asked whose mark it is; else there would be room for no more of them some day.
    // Cancelled in the end, and not touched between.
    private nonisolated(unsafe) let asking: any DispatchSourceRead

    /// Nil where there are no such names.
    init?(name: String = AutobanMark.name) throws(Taken) {
        #if os(Linux)
            let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
            let descriptor = socket(AF_UNIX, kind, 0)
            guard descriptor >= 0 else { return nil }
            if Self.call(name, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 64) == 0 {
                asking = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
                asking.setEventHandler {
                    let other = accept(descriptor, nil, nil)
                    if other >= 0 { close(other) }
                }
                asking.setCancelHandler { close(descriptor) }
                asking.activate()
                return
            }
            let isTaken = errno == EADDRINUSE
            close(descriptor)
            if isTaken { try Self.ask(name, kind) }
        #endif
        return nil
    }

    deinit { asking.cancel() }

    /// How often it is asked for, ten times a second: another one may be about to end.
    private static let attempts = 30

    /// Waits for the mark for some seconds. Nil where there is none to be had and no autoban is known to have it, which is said.
    static func wait(_ logger: Logger) async throws(StartFailure) -> AutobanMark? {
        var taken = Taken.somebody
        for _ in 0..<attempts {
            do throws(Taken) {
                return try AutobanMark()
            } catch {
                taken = error
            }
            if taken == .stranger { break }
            try? await Task.sleep(for: .milliseconds(100))
        }
        if taken == .autoban {
            throw StartFailure(
                "another autoban keeps the bans of this machine's firewall; two would undo each other's rules",
                help: "stop it, or use it: with its --state, or its log")
        }
        logger.warning(
            "it cannot be told whether another autoban runs; two would undo each other's rules",
            metadata: ["taken": "@\(name)"])
        return nil
    }

    #if os(Linux)
        /// CAP_NET_ADMIN
        private static let right: UInt64 = 1 << 12

        /// Throws if whoever listens there may change a firewall. Anybody else could keep us from starting for ever.
        private static func ask(_ name: String, _ kind: CInt) throws(Taken) {
            let descriptor = socket(AF_UNIX, kind, 0)
            guard descriptor >= 0 else { throw .somebody }
            defer { close(descriptor) }
            // It may be about to listen, or to end; or lets nobody in.
            guard call(name, { Glibc.connect(descriptor, $0, $1) }) == 0 else { throw .somebody }
            // struct ucred, which is pid, uid, gid.
            var peer: (pid_t, uid_t, gid_t) = (0, .max, .max)
            var size = socklen_t(MemoryLayout.size(ofValue: peer))
            guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 else { throw .somebody }
            if peer.1 == 0 || peer.1 == geteuid() { throw .autoban }
            throw holder(peer.0, of: peer.1)
        }

        private static func holder(_ process: pid_t, of user: uid_t) -> Taken {
            // Of another container: there is no such process here.
            guard let file = try? SmallFile("/proc/\(process)/status", limit: 64 << 10) else { return .somebody }
            let lines = String(decoding: file.bytes, as: UTF8.self).split(separator: "\n")
            func words(_ name: String) -> [Substring] {
                lines.first { $0.hasPrefix(name) }?.dropFirst(name.utf8.count).split(whereSeparator: \.isWhitespace)
                    ?? []
            }
            // By now it may be a program that runs with another's rights.
            guard words("Uid:") == Array(repeating: Substring("\(user)"), count: 4),
                let rights = words("CapEff:").first.flatMap({ UInt64($0, radix: 16) })
            else { return .somebody }
            if rights & right == 0 { return .stranger }
            // In a world of its own anybody has every right. Other users' processes do not tell everybody where they are.
            guard let own = FileIdentity("/proc/self/ns/user"), let other = FileIdentity("/proc/\(process)/ns/user")
            else { return .somebody }
            return own == other ? .autoban : .stranger
        }

        private static func call(_ name: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            // Its first byte is 0, and its end is where the length says.
            withUnsafeMutableBytes(of: &address.sun_path) {
                UnsafeMutableRawBufferPointer(rebasing: $0[1...]).copyBytes(from: name.utf8)
            }
            let length = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)! + 1 + name.utf8.count
            return withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
            }
        }
    #endif
}
