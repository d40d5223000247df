import SSCommon
import SSServerCore
import Testing

@Suite("The address that a server's link names")
struct PublicAddressTests {
    private func choose(_ outward: [String], _ own: [String] = []) -> PublicAddress {
        PublicAddress(outward: outward.compactMap { IPAddress($0) }, own: Set(own.compactMap { IPAddress($0) }))
    }

    @Test(
        "A public IPv4 address comes first, then a public IPv6 one, then what there is",
        arguments: [
            (["1.2.3.4", "2a00::1"], [], "1.2.3.4", .everywhere), (["10.0.0.5", "2a00::1"], [], "2a00::1", .overIPv6),
            (["10.0.0.5", "fd00::2"], [], "10.0.0.5", .privateNetwork), (["fd00::2"], [], "fd00::2", .privateNetwork),
            (["192.0.2.2"], [], "192.0.2.2", .privateNetwork), (["100.64.1.1"], [], "100.64.1.1", .privateNetwork),
            (["::ffff:1.2.3.4"], [], "1.2.3.4", .everywhere),
            (
                [], ["127.0.0.1", "::1", "fe80::1", "fd00::2", "192.168.1.9", "192.168.1.10"], "192.168.1.10",
                .privateNetwork
            ),
            ([], ["127.0.0.1", "::1", "fe80::1"], "127.0.0.1", .nowhere), ([], [], "127.0.0.1", .nowhere),
            (["127.0.0.1"], ["127.0.0.1"], "127.0.0.1", .nowhere),
            // A public address that is not on the way out is no address to be reached at.
            (["10.0.0.5"], ["10.0.0.5", "1.2.3.4"], "10.0.0.5", .privateNetwork),
        ] as [([String], [String], String, PublicAddress.Reach)])
    func choice(outward: [String], own: [String], address: String, reach: PublicAddress.Reach) {
        let chosen = choose(outward, own)
        #expect(chosen.address.description == address)
        #expect(chosen.reach == reach)
    }
}
