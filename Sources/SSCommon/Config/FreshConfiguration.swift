// The configurations that `init` makes: what has been decided and nothing else, with a word on each key for somebody who
// sees such a file for the first time. Everything foreign goes through `JSONText`.

package enum FreshConfiguration {
    /// For ssserver. `publicHost` is nil where the machine's own address will do.
    package static func server(
        listeningOn address: IPAddress, port: UInt16, method: CipherMethod, password: String, name: String?,
        publicHost: HostPort?
    ) -> String {
        let every = address.isIPv6 ? "IPv6 and IPv4" : "IPv4"
        let host = publicHost.map { JSONText.quote($0.port == nil ? $0.hostText : $0.description) }
        var text = """
            // The configuration of ssserver, made by "ssserver init". It holds the key: nobody else may read it (mode 0600).
            //
            //   ssserver check    says what is wrong with it, if anything
            //   ssserver          serves
            //   ssserver share    prints the link for a laptop once more
            //
            // The three take "-c FILE" where it lies elsewhere. config.example.json explains every key there is.
            {
              // Where to listen: this is every \(every) address of the machine.
              "server": \(JSONText.quote(address.description)),

              // The port, for TCP and UDP; a firewall has to let both in.
              "server_port": \(port),

              // How to encrypt, and the key. Laptops need the same two.
              "method": \(JSONText.quote(method.rawValue)),
              "password": \(JSONText.quote(password)),

              // How laptops reach this machine, as links say it; without this, by the machine's own address.
              \(host == nil ? "// " : "")"public_host": \(host ?? "\"vps.example.com\""),

              // What laptops call this server.
              \(name == nil ? "// " : "")"name": \(JSONText.quote(name ?? "vps")),

            """
        if method.hasIdentityHeaders {
            text += """

                  // A key for each person, so that one can be taken back without the others. From then on the key above
                  // opens nothing by itself: "ssserver share alice" prints the link with both.
                  // "users": [
                  //   { "name": "alice", "password": "HER KEY, made with: ssserver genkey \(method.rawValue)" },
                  // ],

                """
        }
        return text + "}\n"
    }

    /// For sslocal, which goes through `servers` and listens on loopback.
    package static func local(_ servers: [ServerLink], port: UInt16) -> String {
        var text = """
            // The configuration of sslocal, made by "sslocal init". It holds the key: nobody else may read it (mode 0600).
            //
            //   sslocal check    says what is wrong with it, if anything
            //   sslocal          starts the proxy
            //   sslocal url      prints the link again
            //
            // The three take "-c FILE" where it lies elsewhere. config.example.json explains every key there is.
            {

            """
        if servers.count == 1 {
            text += "  // The server, as its link says. Method and key are the same there.\n"
            text += fields(of: servers[0]).map { "  \($0),\n" }.joined()
        } else {
            text += "  // The servers, as their links say. \"disabled\": true keeps one without using it.\n"
            text += "  \"servers\": [\n"
            text += servers.map { "    { " + fields(of: $0).joined(separator: ", ") + " },\n" }.joined()
            text += "  ],\n"
        }
        return text + """

              // Where the proxy is: SOCKS5, SOCKS4a and HTTP on one port, for programs on this machine only.
              "local_address": "127.0.0.1",
              "local_port": \(port),
            }

            """
    }

    private static func fields(of server: ServerLink) -> [String] {
        var fields = server.name.map { ["\"name\": " + JSONText.quote($0)] } ?? []
        fields.append("\"server\": " + JSONText.quote(server.host))
        fields.append("\"server_port\": \(server.port)")
        fields.append("\"method\": " + JSONText.quote(server.method))
        fields.append("\"password\": " + JSONText.quote(server.password))
        return fields
    }
}
