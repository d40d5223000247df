// A private directory a test's programs live in: configs with keys, state, logs. 0700, gone afterwards.
import Foundation
import Synchronization

final class Workspace: Sendable {
    let directory: String
    private let counter: Mutex<Int> = Mutex(0)

    init() throws {
        var template = Array("/tmp/ss-e2e-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw HarnessError("mkdtemp: \(String(cString: strerror(errno)))") }
        directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Removes the directory, unless SS_E2E_KEEP asks for a look at it.
    func remove() {
        if ProcessInfo.processInfo.environment["SS_E2E_KEEP"] == nil {
            try? FileManager.default.removeItem(atPath: directory)
        }
    }

    /// What every program sees: no proxy variables, nothing of the developer's home.
    var environment: [String: String] {
        [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
            "HOME": directory, "XDG_STATE_HOME": "\(directory)/state", "STATE_DIRECTORY": "\(directory)/state",
            "TMPDIR": directory, "LANG": "C.UTF-8", "NO_COLOR": "1",
        ]
    }

    func unusedPath(_ name: String) -> String {
        let number = counter.withLock { value in
            value += 1
            return value
        }
        return "\(directory)/\(number)-\(name)"
    }

    /// Writes `text` to a fresh 0600 file and returns its path.
    func file(_ name: String, _ text: String) throws -> String {
        let path = unusedPath(name)
        let made = FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        guard made else { throw HarnessError("cannot write \(path)") }
        return path
    }

    /// Writes `object` as a JSON config.
    func config(_ name: String, _ object: [String: Any]) throws -> String {
        let data = try JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .sortedKeys])
        return try file(name, String(decoding: data, as: UTF8.self))
    }
}
