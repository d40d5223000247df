// Where a list of servers is fetched from: an https URL (RFC 3986, RFC 9110 4.2.2). It often holds a token that is as good as
// a key, so nothing here prints more of it than the host.

package struct HTTPSAddress: Hashable, Sendable {
    package let host: HostName
    package let port: UInt16
    /// Path and query, as they go into a request.
    package let path: String

    /// Why a text is none, in words for a person; never with the text.
    package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// Longer ones are refused. In bytes.
    private static let maximumLength = 4096

    package init(_ text: some StringProtocol) throws(Fault) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.maximumLength else { throw Fault(description: "the address is too long") }
        guard bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw Fault(description: "blanks and foreign letters in an address are percent-encoded")
        }
        let scheme = "https://"
        guard text.lowercased().hasPrefix(scheme) else { throw Fault(description: "the address begins with https://") }
        let rest = text.dropFirst(scheme.count).prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else { throw Fault(description: "an address with a user's name is not taken") }
        let place: HostPort
        do throws(HostPort.Fault) {
            place = try HostPort(authority)
        } catch {
            throw Fault(description: "the host of the address is no name")
        }
        // Certificates are about names; one for an address could not be checked through the tunnel.
        guard case .name(let host) = place.host else {
            throw Fault(description: "the address has a number where a host name belongs")
        }
        self.host = host
        port = place.port ?? 443
        let path = rest.dropFirst(authority.count)
        self.path = path.isEmpty ? "/" : path.first == "?" ? "/\(path)" : String(path)
    }

    /// Where a redirect (RFC 9110 10.2.2) from here leads: another https address or a path of this host.
    package func redirected(to location: String) throws(Fault) -> HTTPSAddress {
        if location.hasPrefix("/"), !location.hasPrefix("//") {
            return try HTTPSAddress("https://\(authority)\(location)")
        }
        return try HTTPSAddress(location)
    }

    /// For the Host field.
    package var authority: String { port == 443 ? "\(host)" : "\(host):\(port)" }

    package var target: TargetAddress { TargetAddress(.name(host), port: port) }
}

extension HTTPSAddress: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "https://\(authority)/…" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(reflecting: description) }
}
