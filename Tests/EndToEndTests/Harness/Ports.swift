// Loopback ports: free ones to give away, and which are in use without connecting to them (a connection
// would be seen, and logged, by the program under test).
import Foundation
import Synchronization

enum Ports {
    /// Below the kernel's ephemeral range, so that thousands of outgoing connections cannot take one first.
    private static let next: Mutex<UInt16> = Mutex(UInt16(20_000 + getpid() % 10_000))

    /// A port free for TCP and UDP on IPv4 and IPv6 loopback.
    static func free() throws -> UInt16 {
        for _ in 0..<2000 {
            let port = next.withLock { value in
                value = value >= 31_999 ? 20_000 : value + 1
                return value
            }
            if isFree(port) { return port }
        }
        throw HarnessError("no free loopback port")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let table = PortTable()
        guard !table.tcp.contains(port), !table.udp.contains(port) else { return false }
        return (try? Socket.listening(Endpoint("127.0.0.1", port)))?.close() != nil
    }
}

/// What the kernel says is bound, at one moment.
struct PortTable {
    private(set) var tcp: Set<UInt16> = []
    private(set) var udp: Set<UInt16> = []

    init() {
        let listening = "0A"
        for family in ["", "6"] {
            tcp.formUnion(Self.ports(in: "/proc/net/tcp\(family)") { $0 == listening })
            udp.formUnion(Self.ports(in: "/proc/net/udp\(family)") { _ in true })
        }
    }

    private static func ports(in file: String, state: (Substring) -> Bool) -> Set<UInt16> {
        let text = String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
        var found: Set<UInt16> = []
        for line in text.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ", maxSplits: 4)
            guard fields.count > 3, state(fields[3]), let colon = fields[1].lastIndex(of: ":") else { continue }
            if let port = UInt16(fields[1][fields[1].index(after: colon)...], radix: 16) { found.insert(port) }
        }
        return found
    }
}
