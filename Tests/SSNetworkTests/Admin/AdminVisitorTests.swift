import Testing

@testable import SSNetwork

@Suite("Who may ask the admin API")
struct AdminVisitorTests {
    @Test(arguments: [
        [], [""], ["localhost"], ["localhost:8123"], ["LOCALHOST"], ["127.0.0.1"], ["127.8.8.8:80"], ["[::1]"],
        ["[::1]:8123"], ["%2Frun%2Fadmin.sock"], ["a.localhost"], ["[::ffff:127.0.0.1]:1"],
    ])
    func `names of this machine, and none, are answered`(host: [String]) {
        #expect(AdminVisitor.refusal(host: host, origin: [], fetchSite: []) == nil)
    }

    @Test(arguments: [
        ["evil.example"], ["evil.example:8123"], ["192.0.2.1"], ["10.0.0.1:80"], ["unix"], ["evil:8123"],
        ["[::1]evil.example"],
        ["evil.example%"], ["localhost:x"], ["localhost:80:80"], ["[127.0.0.1]"], ["[2001:db8::1]"], ["[::1"], ["::1"],
        ["localhost.evil.example"], ["127.0.0.1.evil.example"], ["localhost", "localhost"],
        ["localhost", "evil.example"],
    ])
    func `a name that a stranger's name server may give this address to is not`(host: [String]) throws {
        let refusal = try #require(AdminVisitor.refusal(host: host, origin: [], fetchSite: []))
        #expect(refusal.status == 421)
    }

    @Test func `pages of others are refused, and one's own is not`() {
        func status(_ origin: String?, _ site: String? = nil) -> Int? {
            AdminVisitor.refusal(
                host: ["localhost:8123"], origin: origin.map { [$0] } ?? [], fetchSite: site.map { [$0] } ?? [])?.status
        }
        #expect(status("http://localhost:8123") == nil)
        #expect(status("http://localhost:8123", "same-origin") == nil)
        #expect(status(nil, "none") == nil)
        for origin in ["http://evil.example", "null", "https://localhost:8123", "http://localhost:9999", ""] {
            #expect(status(origin) == 403, "\(origin)")
        }
        for site in ["cross-site", "same-site", ""] { #expect(status(nil, site) == 403, "\(site)") }
    }
}
