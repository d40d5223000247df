// From a link to a server that can be used, or to the reason why not; and back. A link is kept as it was written, so that one
// for another program can be shown and passed on; here it is judged.

extension ServerLink {
    /// The server to go through. Faults never hold the key.
    package func endpoint() throws(Fault) -> EndpointConfiguration {
        if let plugin {
            throw Fault(
                description: "it needs the plugin \(TerminalText.quote(plugin.name)), and this version runs none")
        }
        let method = try cipherMethod()
        try checkKey(of: method)
        guard let address else { throw Fault(description: "its host is no name and no address") }
        if case .ip(let ip) = address.host, ip.isUnspecified {
            throw Fault(description: "\(ip) stands for every machine and names none")
        }
        return EndpointConfiguration(address, method: method, password: .text(password), name: name)
    }

    private func cipherMethod() throws(Fault) -> CipherMethod {
        switch MethodName(method) {
        case .known(let method): return method
        case .refused(let reason):
            throw Fault(description: "its method \(TerminalText.quote(method)) is refused: \(reason)")
        case .rare: throw Fault(description: "its method \(TerminalText.quote(method)) is not in this version")
        case .unknown:
            // What stands there may be a part of the key, where the link was put together wrongly.
            throw Fault(
                description: "its method is unknown; known ones: " + MethodName.supported.joined(separator: ", "))
        }
    }

    private func checkKey(of method: CipherMethod) throws(Fault) {
        if password.hasPrefix("${"), password.hasSuffix("}") {
            throw Fault(description: "its key is of a form that a configuration takes for the name of a variable")
        }
        guard method.edition == .sip022 else { return }
        do throws(PreSharedKeys.Fault) {
            _ = try PreSharedKeys.decode(password, for: method)
        } catch {
            throw Fault(description: "its key does not fit its method: \(error.message(method))")
        }
    }

    /// The link to `endpoint` at `place`, which is where it is reached from outside.
    package init(_ endpoint: EndpointConfiguration, at place: HostPort, password: String, name: String? = nil) {
        self.init(
            method: endpoint.method.rawValue, password: password, host: place.hostText,
            port: place.port ?? endpoint.address.port, name: (name ?? endpoint.name).flatMap(Self.shownName))
    }

    /// A name as links have them: without control characters, and not empty.
    package static func shownName(_ text: String) -> String? {
        let scalars = text.unicodeScalars.filter { $0.properties.generalCategory != .control }
        return scalars.isEmpty ? nil : String(String.UnicodeScalarView(scalars))
    }
}

extension IPAddress {
    /// 0.0.0.0 or ::, also IPv4-mapped: a place to listen, and nowhere to connect to.
    package var isUnspecified: Bool {
        switch folded {
        case .v4(let address): address.value == 0
        case .v6(let address): address.high == 0 && address.low == 0
        }
    }
}
