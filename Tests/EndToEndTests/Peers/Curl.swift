// curl, the user most people have.
import Foundation

struct CurlResult {
    /// curl's own exit status; 0 is success.
    let status: Int32
    let output: String
    let errors: String
}

extension Stage {
    /// Runs curl with a time limit and no settings of the developer's.
    func curl(_ arguments: [String], seconds: Double = 15) throws -> CurlResult {
        let finished = try run(try Tool.curl.path(), Self.fixed(seconds) + arguments, seconds: seconds + 5)
        guard case .status(let status) = finished.exit else {
            throw HarnessError("curl ended with \(finished.exit)")
        }
        return CurlResult(status: status, output: finished.output, errors: finished.errors)
    }

    /// The same, not waited for.
    func startCurl(_ arguments: [String], seconds: Double = 30) throws -> ProcessUnderTest {
        try start(try Tool.curl.path(), Self.fixed(seconds) + ["--no-buffer"] + arguments)
    }

    private static func fixed(_ seconds: Double) -> [String] { ["-q", "-sS", "--max-time", "\(seconds)"] }
}

/// The ways curl can be pointed at our one port.
enum CurlFront: String, Sendable, CaseIterable {
    case socks5h, socks5, socks4, socks4a, http, connect

    var front: Front {
        switch self {
        case .socks5h, .socks5: .socks5
        case .socks4, .socks4a: .socks4
        case .http, .connect: .http
        }
    }

    func arguments(_ proxy: Endpoint) -> [String] {
        switch self {
        case .socks5h: ["--socks5-hostname", "\(proxy)"]
        case .socks5: ["--socks5", "\(proxy)"]
        case .socks4: ["--socks4", "\(proxy)"]
        case .socks4a: ["--socks4a", "\(proxy)"]
        case .http: ["--proxy", "http://\(proxy)"]
        case .connect: ["--proxytunnel", "--proxy", "http://\(proxy)"]
        }
    }

    /// The name is sent to the proxy instead of being looked up by curl.
    var sendsNames: Bool {
        switch self {
        case .socks5h, .socks4a, .http, .connect: true
        case .socks5, .socks4: false
        }
    }
}
