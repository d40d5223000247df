// What a browser shows when somebody opens the port itself: how to point curl and a browser at it.
import SSCommon

enum HelpPage {
    /// `address` is where the client reached us; `socks` whether the port speaks that too.
    static func html(address: Endpoint, socks: Bool) -> String {
        let spoken = socks ? "SOCKS5, SOCKS4a and HTTP proxy" : "HTTP proxy"
        let scheme = socks ? "socks5" : "http"
        var page = Page(title: "sslocal is running")
        page.heading("The proxy is running")
        page.paragraph(
            "This port (\(address)) speaks \(spoken). It is no web site: point a program at it and its traffic leaves "
                + "from your server.")
        page.section("curl")
        if socks { page.code("curl -x socks5h://\(address) https://example.com") }
        page.code("curl -x http://\(address) https://example.com")
        page.section("Firefox")
        page.paragraph("Settings → Network Settings → Manual proxy configuration. " + firefox(address, socks: socks))
        page.section("Chromium and Chrome")
        page.code("chromium --proxy-server=\(scheme)://\(address)")
        page.section("Programs in a terminal")
        page.code(
            """
            export ALL_PROXY=\(socks ? "socks5h" : "http")://\(address)
            export http_proxy=http://\(address)
            export https_proxy=http://\(address)
            """)
        page.paragraph("Names are looked up at the server, so nothing about them is asked on your own network.")
        return page.html
    }

    private static func firefox(_ address: Endpoint, socks: Bool) -> String {
        let place = "\(address.address), port \(address.port)"
        return socks
            ? "SOCKS host \(place), SOCKS v5, and tick “Proxy DNS when using SOCKS v5”."
            : "HTTP proxy \(place), and tick “Also use this proxy for HTTPS”."
    }
}
