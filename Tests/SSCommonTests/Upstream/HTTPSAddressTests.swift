import SSCommon
import Testing

@Suite("Addresses of lists")
struct HTTPSAddressTests {
    @Test(
        "An https address has a host by name, a port and a path",
        arguments: [
            ("https://a.example", "a.example", 443, "/"), ("HTTPS://a.example/", "a.example", 443, "/"),
            ("https://a.example:8443/x/y.json?token=1&z=%20#part", "a.example", 8443, "/x/y.json?token=1&z=%20"),
            ("https://a.example?x", "a.example", 443, "/?x"), ("https://localhost:1/", "localhost", 1, "/"),
        ] as [(String, String, UInt16, String)])
    func good(text: String, host: String, port: UInt16, path: String) throws {
        let address = try HTTPSAddress(text)
        #expect("\(address.host)" == host && address.port == port && address.path == path)
        // A token in it stays there.
        #expect("\(address)" == "https://\(host)\(port == 443 ? "" : ":\(port)")/…")
        #expect(String(reflecting: address) == "\(address)" && !"\(Mirror(reflecting: address))".contains("token"))
    }

    @Test(
        "Everything else is refused, without repeating it",
        arguments: [
            "", "http://a.example/", "https://", "https:///x", "https://1.2.3.4/", "https://[2001:db8::1]/",
            "https://user:SECRET@a.example/", "https://a.example/a b", "https://a.example/\r\nX: y",
            "https://a.example:0/",
            "https://a.example:99999/", "https://ä.example/", "ss://a.example/", "https://a..example/",
            "https://a.example/" + String(repeating: "x", count: 5000),
        ])
    func bad(text: String) {
        do {
            _ = try HTTPSAddress(text)
            Issue.record("\(text) was taken")
        } catch {
            #expect(!error.description.isEmpty && !error.description.contains("SECRET"))
        }
    }
}
