// A pair made by nothing but the two `init` commands, as somebody does on the first day.
import Foundation
import Testing

/// A server's configuration that `ssserver init` has made.
struct NewServer {
    let file: String
    /// What `init` printed in its first line.
    let link: String
    let port: UInt16
    let said: String
}

extension Stage {
    /// Runs `ssserver init` for loopback, in a folder that is not there yet.
    func newServer(_ extra: [String] = []) throws -> NewServer {
        let file = workspace.unusedPath("etc") + "/shadowsocks/server.json"
        let port = try Ports.free()
        let finished = try run(
            .ssserver, ["init", "-c", file, "--host", "127.0.0.1", "--port", "\(port)"] + extra)
        guard finished.exit == .status(0), let line = finished.output.split(separator: "\n").first else {
            throw HarnessError("ssserver init: \(finished.exit)\n\(finished.errors)")
        }
        return NewServer(file: file, link: String(line), port: port, said: finished.errors)
    }

    /// Runs `sslocal init` with `source`, and `input` as its standard input.
    func newClient(
        _ source: String, input: String? = nil, file: String? = nil
    ) throws -> (file: String, port: UInt16, finished: Finished) {
        let file = file ?? workspace.unusedPath("home") + "/.config/local.json"
        let port = try Ports.free()
        let finished = try run(.sslocal, ["init", source, "-c", file, "--port", "\(port)"], input: input)
        return (file, port, finished)
    }

    /// Starts the server of `new`. The tests' origins are on loopback, which no fresh configuration lets anybody reach, so
    /// that one key is put in; `more` goes there too.
    func startServer(_ new: NewServer, adding more: String = "") throws -> ProcessUnderTest {
        try append("\"egress\": { \"allow_private\": [\"127.0.0.0/8\"] }, \(more)", to: new.file)
        let process = try start(.ssserver, ["-c", new.file])
        try process.waitUntilListening([new.port], udp: [new.port])
        return process
    }

    /// Puts members into the object of a configuration, before its last bracket.
    func append(_ members: String, to file: String) throws {
        let text = try String(contentsOfFile: file, encoding: .utf8)
        guard let end = text.lastIndex(of: "}") else { throw HarnessError("no bracket in \(file)") }
        try Data((text[..<end] + members + text[end...]).utf8).write(to: URL(filePath: file))
    }
}

/// Permission bits.
func mode(of path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.posixPermissions] as? Int)
}

/// The names in a folder, hidden ones too.
func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

func folder(of path: String) -> String { (path as NSString).deletingLastPathComponent }

/// A link taken apart by Foundation, without any code of ours.
struct ForeignLink {
    let method: String
    let password: String
    let host: String
    let port: Int

    init(_ text: String) throws {
        let parts = try #require(URLComponents(string: text))
        host = try #require(parts.host)
        port = try #require(parts.port)
        if let password = parts.password {
            self.password = password
            method = try #require(parts.user)
        } else {
            var code = try #require(parts.user).replacingOccurrences(of: "-", with: "+")
                .replacingOccurrences(of: "_", with: "/")
            code += String(repeating: "=", count: (4 - code.count % 4) % 4)
            let plain = try String(decoding: #require(Data(base64Encoded: code)), as: UTF8.self).split(
                separator: ":", maxSplits: 1)
            method = String(plain[0])
            password = String(plain[1])
        }
    }
}
