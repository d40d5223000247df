// A few targets that the user's traffic reached lately, for checks: a fixed one would be a mark, on the wire at the server and
// in the logs of whoever owns it. They are kept in memory and for minutes.

package struct RecentTargets: Sendable {
    package struct Target: Hashable, Sendable {
        package let address: TargetAddress
        package let question: CheckQuestion

        package init(_ address: TargetAddress, _ question: CheckQuestion) {
            self.address = address
            self.question = question
        }
    }

    private var targets: [(target: Target, seen: ContinuousClock.Instant)] = []

    private static let limit = 8
    private static let lifetime = Duration.seconds(1200)

    package init() {}

    /// A target answered. Nothing is kept of one that another server may not reach, or that cannot be named in a request.
    package mutating func answered(_ address: TargetAddress, _ question: CheckQuestion, now: ContinuousClock.Instant) {
        guard Self.isSuitable(address.host) else { return }
        let target = Target(address, question)
        targets.removeAll { $0.target.address == address || now - $0.seen > Self.lifetime }
        if targets.count == Self.limit { targets.removeFirst() }
        targets.append((target, now))
    }

    /// A check through some server got no answer from it.
    package mutating func failed(_ target: Target) {
        targets.removeAll { $0.target == target }
    }

    /// One of them, by chance.
    package mutating func pick(now: ContinuousClock.Instant, random: inout some RandomNumberGenerator) -> Target? {
        targets.removeAll { now - $0.seen > Self.lifetime }
        return targets.randomElement(using: &random)?.target
    }

    package var count: Int { targets.count }

    /// Names of the ordinary characters, and public addresses as far as a look tells.
    private static func isSuitable(_ host: TargetAddress.Host) -> Bool {
        switch host {
        case .name(let name):
            return name.bytes.count <= 253
                && name.bytes.allSatisfy { byte in
                    byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                }
        case .ip(let address):
            switch address.folded {
            case .v4(let address):
                let (a, b) = (address.value >> 24, address.value >> 16 & 255)
                return
                    !([0, 10, 127].contains(a) || a >= 224 || a == 172 && (16..<32).contains(b)
                    || a == 192 && b == 168 || a == 169 && b == 254 || a == 100 && (64..<128).contains(b))
            case .v6(let address):
                // 2000::/3
                return address.high >> 61 == 1
            }
        }
    }
}
