// What becomes of a well-formed request: a tunnel, a forwarded request, or an answer from here. A value without
// sockets; everything it needs to know comes in as bytes and addresses.
import SSCommon

/// An answer this program gives by itself.
enum HTTPLocalAnswer: Equatable {
    /// The help page for a browser that visits the port at this address.
    case help(Endpoint)
    /// Another path on the port itself. There is nothing behind it, administration least of all: any web page
    /// can make a browser send requests here.
    case notFound
    /// A request for a web server that reached us without proxy syntax.
    case notAProxyRequest
    /// A name and a password are wanted first.
    case authenticate
    /// TRACE would hand cookies back to a script (RFC 9110 9.3.8).
    case traceRefused
    /// The request came back to the proxy that sent it.
    case loop
    /// OPTIONS whose Max-Forwards ends here.
    case options
    /// The request is malformed.
    case fault(HTTPFault)
}

enum HTTPRoute: Equatable {
    /// CONNECT.
    case tunnel(TargetAddress)
    /// A request to pass on.
    case forward(HTTPAuthority, path: [UInt8], TargetAddress)
    case answer(HTTPLocalAnswer)
}

struct HTTPRouter: Sendable {
    var users: FrontUsers
    /// This proxy's name in Via.
    var via: String
    /// The address the client reached us at.
    var ownAddress: Endpoint?

    func route(_ request: HTTPRequest) -> HTTPRoute {
        switch request.target {
        case .authority(let authority):
            guard admits(request) else { return .answer(.authenticate) }
            if request.framing != .none { return .answer(.fault(.bodyInConnect)) }
            guard let target = authority.target(defaultPort: 443) else { return .answer(.fault(.badAuthority)) }
            return .tunnel(target)
        case .absolute(let authority, let path):
            guard admits(request) else { return .answer(.authenticate) }
            return forward(request, authority: authority, path: path)
        case .origin(let path):
            guard let ownAddress, let host = request.host, isOwn(host) else { return .answer(.notAProxyRequest) }
            let reads = request.isMethod("GET") || request.isMethod("HEAD")
            return .answer(reads && path.elementsEqual("/".utf8) ? .help(ownAddress) : .notFound)
        case .asterisk:
            return .answer(.notAProxyRequest)
        }
    }

    private func forward(_ request: HTTPRequest, authority: HTTPAuthority, path: [UInt8]) -> HTTPRoute {
        if request.isMethod("TRACE") { return .answer(.traceRefused) }
        if request.hasPassed(via) { return .answer(.loop) }
        if request.maxForwards == 0 { return .answer(.options) }
        guard let target = authority.target(defaultPort: 80) else { return .answer(.fault(.badAuthority)) }
        return .forward(authority, path: path, target)
    }

    private func admits(_ request: HTTPRequest) -> Bool {
        if !users.required { return true }
        guard let credentials = ProxyCredentials(request.head) else { return false }
        return users.admit(name: credentials.name, password: credentials.password)
    }

    private func isOwn(_ host: HTTPAuthority) -> Bool {
        guard let ownAddress, host.port ?? 80 == ownAddress.port else { return false }
        if host.host == "localhost" { return true }
        guard case .ip(let address)? = host.target(defaultPort: 80)?.host else { return false }
        return address.folded == ownAddress.address.folded
    }
}
