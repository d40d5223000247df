// What a browser shows when somebody opens the port itself: how to point curl and a browser at it.
import SSCommon

enum HelpPage {
    /// `address` is where the client reached us.
    static func html(address: Endpoint) -> String {
        var page = Page(title: "sslocal is running")
        page.heading("The proxy is running")
        page.paragraph(
            "This port (\(address)) speaks SOCKS5, SOCKS4a and HTTP proxy. It is no web site: point a program at it and "
                + "its traffic leaves from your server.")
        page.section("curl")
        page.code(
            """
            curl -x socks5h://\(address) https://example.com
            curl -x http://\(address) https://example.com
            """)
        page.section("Firefox")
        page.paragraph(
            "Settings → Network Settings → Manual proxy configuration. SOCKS host \(host(address)), port "
                + "\(address.port), SOCKS v5, and tick “Proxy DNS when using SOCKS v5”.")
        page.section("Chromium and Chrome")
        page.code("chromium --proxy-server=socks5://\(address)")
        page.section("Programs in a terminal")
        page.code(
            """
            export ALL_PROXY=socks5h://\(address)
            export http_proxy=http://\(address) https_proxy=http://\(address)
            """)
        page.paragraph("Names are looked up at the server, so nothing about them is asked on your own network.")
        return page.html
    }

    private static func host(_ address: Endpoint) -> String {
        address.address.description
    }
}
