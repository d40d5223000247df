// The programs the tests stand on: ours, the peers, curl and a browser. A missing one fails the run where
// the run must be complete (CI=true) and is a visible skip on a developer's machine.
import Foundation
import Testing

enum Tool: String, Sendable {
    case sslocal, ssserver
    case ssLocal = "ss-local"
    case ssServer = "ss-server"
    case ssTunnel = "ss-tunnel"
    case singBox = "sing-box"
    case curl, wget, git, python3, chromium, zbarimg, script, xterm
    case aptGet = "apt-get"
    case xvfbRun = "xvfb-run"
    case ip, nft, ipset, iptables, ss, socat, setpriv
    /// Takes pictures of the screen.
    case importer = "import"

    /// The program's path; throws the skip (or records the failure) when there is none.
    func path() throws -> String {
        if let found = locate() { return found }
        try missing("\(rawValue) was not found (looked in \(searched.joined(separator: ", "))\(hint))")
    }

    /// The program's path, if it is there.
    func locate() -> String? {
        if self == .singBox, let file = ProcessInfo.processInfo.environment["SING_BOX"] {
            return access(file, X_OK) == 0 ? file : nil
        }
        return searched.map { "\($0)/\(rawValue)" }.first { access($0, X_OK) == 0 }
    }

    private var searched: [String] {
        let environment = ProcessInfo.processInfo.environment
        switch self {
        case .sslocal, .ssserver:
            if let directory = environment["SS_BIN_DIR"] { return [directory] }
            return ["\(Package.root)/.build/release", "\(Package.root)/.build/debug"]
        case .singBox:
            return ["\(Package.root)/.build-tools"] + onPath
        case .ssLocal, .ssServer, .ssTunnel, .curl, .wget, .git, .python3, .aptGet, .chromium, .zbarimg, .script,
            .xterm, .xvfbRun, .importer, .ip, .nft, .ipset, .iptables, .ss, .socat, .setpriv:
            return onPath
        }
    }

    private var hint: String { self == .singBox ? "; SING_BOX names the file where it lies elsewhere" : "" }

    private var onPath: [String] {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").map(String.init)
    }
}

enum Package {
    /// The package's top directory: three levels above this file.
    static let root: String = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        return url.path
    }()

    static let isCI = ProcessInfo.processInfo.environment["CI"] == "true"
}

/// Ends the running test because something it needs is absent.
func missing(_ what: String) throws -> Never {
    if Package.isCI {
        throw HarnessError("\(what); with CI=true nothing may be skipped")
    }
    // A cancelled case of a parameterised test is not shown by itself.
    Issue.record(Comment(rawValue: "skipped: \(what)"), severity: .warning)
    try Test.cancel(Comment(rawValue: what))
}

/// A fault of the harness or of a program it drives, as a sentence.
struct HarnessError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
