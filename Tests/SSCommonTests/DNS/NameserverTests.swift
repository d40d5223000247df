import SSCommon
import Testing

@Suite("The nameserver key")
struct NameserverTests {
    @Test(
        "Every spelling of a server is read",
        arguments: [
            ("1.1.1.1", ["udp 1.1.1.1:53"]), ("1.1.1.1:5353", ["udp 1.1.1.1:5353"]), ("::1", ["udp [::1]:53"]),
            ("[::1]", ["udp [::1]:53"]), ("[::1]:5353", ["udp [::1]:5353"]), ("tcp://9.9.9.9", ["tcp 9.9.9.9:53"]),
            ("UDP://[::1]:1", ["udp [::1]:1"]), ("1.1.1.1, 8.8.8.8:53", ["udp 1.1.1.1:53", "udp 8.8.8.8:53"]),
            ("tcp://1.1.1.1,8.8.8.8", ["tcp 1.1.1.1:53", "tcp 8.8.8.8:53"]),
            ("tcp://1.1.1.1,udp://8.8.8.8", ["tcp 1.1.1.1:53", "udp 8.8.8.8:53"]),
            (
                "Quad9",
                ["udp 9.9.9.9:53", "udp 149.112.112.112:53", "udp [2620:fe::fe]:53", "udp [2620:fe::9]:53"]
            ),
        ])
    func reads(text: String, servers: [String]) throws {
        #expect(try Nameserver.list(text).map { "\($0.transport) \($0.endpoint)" } == servers)
    }

    @Test("The names of shadowsocks-rust stand for four servers each", arguments: ["google", "cloudflare", "quad9"])
    func wellKnown(name: String) throws {
        #expect(try Nameserver.list(name).count == 4)
    }

    @Test(
        "A value that cannot be used says why",
        arguments: [
            ("", .empty), ("1.1.1.1,", .empty), (" , ", .empty), ("udp://", .empty),
            ("dns.google", .notAnAddress(text: "dns.google")), ("127.1", .notAnAddress(text: "127.1")),
            ("[::1", .notAnAddress(text: "[::1")), ("[::1]x", .notAnAddress(text: "[::1]x")),
            ("1.1.1.1:0", .badPort(text: "0")), ("1.1.1.1:65536", .badPort(text: "65536")),
            ("1.1.1.1:", .badPort(text: "")),
            ("1.1.1.1:+5", .badPort(text: "+5")), ("[::1]:", .badPort(text: "")),
            ("https://1.1.1.1", .unsupportedScheme(text: "https")), ("tls://1.1.1.1", .unsupportedScheme(text: "tls")),
            ("google,cloudflare,quad9,google,1.1.1.1", .tooMany),
        ] as [(String, Nameserver.Fault)])
    func refuses(text: String, fault: Nameserver.Fault) {
        #expect(throws: fault) { try Nameserver.list(text) }
    }
}
