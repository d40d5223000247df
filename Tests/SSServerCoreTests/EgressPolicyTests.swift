import SSCommon
import SSServerCore
import Testing

@Suite("Egress policy")
struct EgressPolicyTests {
    /// First and last address of every denied range; the addresses next to them are public unless listed.
    static let ranges: [(first: String, last: String, reason: EgressPolicy.Reason)] = [
        ("0.0.0.0", "0.255.255.255", .privateAddress), ("10.0.0.0", "10.255.255.255", .privateAddress),
        ("100.64.0.0", "100.127.255.255", .privateAddress), ("127.0.0.0", "127.255.255.255", .privateAddress),
        ("169.254.0.0", "169.254.255.255", .privateAddress), ("172.16.0.0", "172.31.255.255", .privateAddress),
        ("192.0.0.0", "192.0.0.255", .privateAddress), ("192.0.2.0", "192.0.2.255", .privateAddress),
        ("192.88.99.0", "192.88.99.255", .privateAddress), ("192.168.0.0", "192.168.255.255", .privateAddress),
        ("198.18.0.0", "198.19.255.255", .privateAddress), ("198.51.100.0", "198.51.100.255", .privateAddress),
        ("203.0.113.0", "203.0.113.255", .privateAddress), ("224.0.0.0", "239.255.255.255", .multicast),
        ("240.0.0.0", "255.255.255.254", .privateAddress), ("255.255.255.255", "255.255.255.255", .multicast),
        ("::", "::1", .privateAddress), ("100::", "100::ffff:ffff:ffff:ffff", .privateAddress),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", .privateAddress),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", .privateAddress),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", .privateAddress),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", .privateAddress),
        ("4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .privateAddress),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .privateAddress),
        ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .privateAddress),
        ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .privateAddress),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .multicast),
    ]

    @Test("First, last and one inside of every range is denied", arguments: ranges)
    func edges(first: String, last: String, reason: EgressPolicy.Reason) throws {
        let isV4 = !first.contains(":")
        let (first, last) = (number(try address(first)), number(try address(last)))
        for value in Set([first, first + (last - first) / 2, last]) {
            #expect(denial(make(value, isV4)) != nil, "\(make(value, isV4))")
        }
        // A wrapped address may give its own reason, so only the plain ones are held to theirs.
        if isV4 { #expect(denial(make(first, true)) == reason && denial(make(last, true)) == reason) }
    }

    @Test(
        "The addresses next to the ranges are public",
        arguments: [
            "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
            "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
            "192.0.1.255",
            "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255", "168.63.129.15",
            "168.63.129.17", "8.8.8.8", "2000::", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::",
            "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "2003::", "2001:4860:4860::8888",
            "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2002:808:808::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8",
        ])
    func neighbours(text: String) throws {
        #expect(denial(try address(text)) == nil)
    }

    @Test(
        "An IPv4 address wrapped in an IPv6 one is judged as what it is",
        arguments: ["127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1"])
    func wrapped(text: String) throws {
        guard case .v4(let v4) = try address(text) else { return }
        let low = UInt64(v4.value)
        var wrappings: [IPAddress] = [
            .v6(IPv6Address(high: 0, low: 0xffff_0000_0000 | low)), .v6(IPv6Address(high: 0, low: low)),
            .v6(IPv6Address(high: 0x0064_ff9b_0000_0000, low: low)),
            .v6(IPv6Address(high: 0x0064_ff9b_0001_0000, low: low)),
            .v6(IPv6Address(high: 0x2002_0000_0000_0000 | low << 16 | 5, low: 1)),
            .v6(IPv6Address(high: 0x2001_0000_4136_e378, low: 0x8000_63bf_0000_0000 | (~low & 0xffff_ffff))),
        ]
        if v4.value == 0 { wrappings.remove(at: 1) }
        for wrapping in wrappings {
            #expect(denial(wrapping) == denial(.v4(v4)), "\(wrapping)")
            #expect(denial(wrapping, .all) == denial(.v4(v4), .all), "\(wrapping)")
            // A range that holds the wrapping does not open what is wrapped.
            #expect(denial(wrapping, .ranges([IPPrefix("::/0")!])) != nil, "\(wrapping)")
        }
    }

    @Test(
        "A cloud's metadata service is opened by its own address only",
        arguments: [
            "169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "168.63.129.16", "fd00:ec2::254",
            "fd00:ec2::23", "fd20:ce::254",
        ])
    func metadata(text: String) throws {
        let target = try address(text)
        for access in [.none, .all, .ranges([IPPrefix("0.0.0.0/0")!, IPPrefix("::/0")!])]
            as [EgressPolicy.PrivateAccess]
        {
            #expect(denial(target, access) == .metadata)
        }
        #expect(denial(target, .ranges([IPPrefix(text)!])) == nil)
    }

    @Test("Ranges open what they hold and nothing else; true opens all but multicast")
    func holes() throws {
        let access = EgressPolicy.PrivateAccess.ranges([IPPrefix("10.1.0.0/16")!, IPPrefix("fd12::/16")!])
        #expect(denial(try address("10.1.255.255"), access) == nil)
        #expect(denial(try address("::ffff:10.1.0.1"), access) == nil)
        #expect(denial(try address("64:ff9b::10.1.0.1"), access) == nil)
        #expect(denial(try address("fd12::1"), access) == nil)
        #expect(denial(try address("10.2.0.0"), access) == .privateAddress)
        #expect(denial(try address("127.0.0.1"), access) == .privateAddress)
        for text in ["127.0.0.1", "::1", "0.0.0.0", "192.168.0.1", "fe80::1", "64:ff9b::7f00:1"] {
            #expect(denial(try address(text), .all) == nil, "\(text)")
        }
        for text in ["224.0.0.1", "255.255.255.255", "ff02::1", "::ffff:224.0.0.1"] {
            #expect(denial(try address(text), .all) == .multicast)
            #expect(denial(try address(text), .ranges([IPPrefix("0.0.0.0/0")!, IPPrefix("::/0")!])) == .multicast)
        }
    }

    @Test("Port 0 and the denied ports are closed even where everything is open")
    func ports() throws {
        let target = try address("8.8.8.8")
        for (port, reason) in [(0, .port), (25, .port), (24, nil), (26, nil), (65535, nil)]
            as [(UInt16, EgressPolicy.Reason?)]
        {
            #expect(denial(target, .all, port: port) == reason)
        }
        let strict = EgressPolicy(denyPorts: [465, 587])
        #expect(strict.verdict(target, 465) == .denied(.port) && strict.verdict(target, 25) == .allowed)
        #expect(strict.verdict(target, 0) == .denied(.port))
    }

    @Test("The machine's own addresses are closed, its listeners always")
    func own() throws {
        let addresses = ["198.105.7.1", "198.105.7.3", "2a01:4f8::5", "::ffff:198.105.7.5", "10.9.9.9"].map {
            IPAddress($0)!
        }
        let own = OwnEndpoints(addresses: addresses, listenerPorts: [8388])
        let closed = EgressPolicy(own: own)
        let open = EgressPolicy(access: .all, own: own)
        for target in addresses + [IPAddress("64:ff9b::198.105.7.1")!] {
            #expect(closed.verdict(target, 80) != .allowed, "\(target)")
            #expect(closed.verdict(target, 8388) == .denied(.ownListener), "\(target)")
            #expect(open.verdict(target, 80) == .allowed, "\(target)")
            #expect(open.verdict(target, 8388) == .denied(.ownListener), "\(target)")
        }
        #expect(closed.verdict(addresses[0], 80) == .denied(.ownAddress))
        for text in ["198.105.7.0", "198.105.7.2", "198.105.7.4", "2a01:4f8::4", "2a01:4f8::6"] {
            #expect(closed.verdict(try address(text), 8388) == .allowed, "\(text)")
        }
        for text in ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"] {
            #expect(open.verdict(try address(text), 8388) == .denied(.ownListener), "\(text)")
            #expect(open.verdict(try address(text), 8389) == .allowed, "\(text)")
        }
        #expect(EgressPolicy().replacing(own: own).verdict(addresses[0], 80) == .denied(.ownAddress))
    }

    @Test(
        "Names that mean this machine or a metadata service are refused unless what they mean is open",
        arguments: [
            "localhost", "LOCALHOST.", "foo.localhost", "a.b.localhost.", "metadata.google.internal", "Metadata.Goog.",
        ])
    func localNames(text: String) throws {
        let name = try #require(DomainName(text))
        #expect(EgressPolicy().verdict(name) == .denied(.localName))
        let everything = [IPPrefix("127.0.0.1")!, IPPrefix("169.254.169.254")!]
        #expect(EgressPolicy(access: .ranges(everything)).verdict(name) == .allowed)
        let isLocal = name.text.contains("localhost")
        #expect((EgressPolicy(access: .all).verdict(name) == .allowed) == isLocal)
    }

    @Test(
        "Other names are looked up",
        arguments: ["example.com", "localhost.example.com", "xlocalhost", "metadata.google"])
    func otherNames(text: String) throws {
        #expect(EgressPolicy().verdict(try #require(DomainName(text))) == .allowed)
    }

    private func denial(
        _ address: IPAddress, _ access: EgressPolicy.PrivateAccess = .none, port: UInt16 = 443
    ) -> EgressPolicy.Reason? {
        switch EgressPolicy(access: access).verdict(address, port) {
        case .allowed: nil
        case .denied(let reason): reason
        }
    }

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    private func number(_ address: IPAddress) -> UInt128 {
        switch address {
        case .v4(let v4): UInt128(v4.value)
        case .v6(let v6): UInt128(v6.high) << 64 | UInt128(v6.low)
        }
    }

    private func make(_ value: UInt128, _ isV4: Bool) -> IPAddress {
        isV4
            ? .v4(IPv4Address(UInt32(truncatingIfNeeded: value)))
            : .v6(IPv6Address(high: UInt64(value >> 64), low: UInt64(truncatingIfNeeded: value)))
    }
}
