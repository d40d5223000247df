// The protocol by which panels open and close ports (ss-manager of shadowsocks-libev, ssmanager of shadowsocks-rust,
// manager.py): a word in a datagram, perhaps a colon and a JSON object behind it.
package import SSCommon

package enum ManagerCommand: Hashable, Sendable {
    /// Serve a port.
    case add(ManagedPort)
    /// Serve it no more, and end what is open there.
    case remove(UInt16)
    /// Say which ports there are.
    case list
    /// Say what each has moved.
    case ping

    /// Why a datagram is no command, in words for a person.
    package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String

        package init(_ description: String) {
            self.description = description
        }
    }

    package init(_ datagram: [UInt8]) throws(Fault) {
        let colon = datagram.firstIndex(of: UInt8(ascii: ":"))
        let word = Self.trimmed(String(decoding: datagram[..<(colon ?? datagram.endIndex)], as: UTF8.self))
        let body = colon.map { Array(datagram[($0 + 1)...]).filter { $0 != 0 } }
        switch word {
        case "add": self = .add(try ManagedPort(try Self.object(body)))
        case "remove": self = .remove(try ManagedPort.port(try Self.object(body)))
        case "list": self = .list
        case "ping": self = .ping
        default: throw Fault("no such command")
        }
    }

    private static func trimmed(_ text: String) -> String {
        String(text.drop { $0.isWhitespace }.prefix { !$0.isWhitespace && $0 != "\0" })
    }

    private static func object(_ body: [UInt8]?) throws(Fault) -> JSONValue {
        guard let body, let root = JSONDocument(body, path: "command").root, case .object = root.kind else {
            throw Fault("the command needs a JSON object")
        }
        return root
    }
}

/// A port as a panel asks for it.
package struct ManagedPort: Hashable, Sendable {
    package var port: UInt16
    package var method: CipherMethod?
    package var password: String
    package var mode: RelayMode?
    /// SIP023, as shadowsocks-rust has it.
    package var users: [(name: String, password: String)]

    /// What panels leave out is the configuration's.
    init(_ object: JSONValue) throws(ManagerCommand.Fault) {
        port = try Self.port(object)
        guard let password = object["password"]?.text, !password.isEmpty else {
            throw ManagerCommand.Fault("\"password\" is missing")
        }
        self.password = password
        if let name = object["method"]?.text {
            guard case .known(let method) = MethodName(name) else {
                throw ManagerCommand.Fault("method \(TerminalText.quote(name)) is not served")
            }
            self.method = method
        }
        if let name = object["mode"]?.text {
            guard let mode = RelayMode(rawValue: name) else {
                throw ManagerCommand.Fault("mode \(TerminalText.quote(name)) is not known")
            }
            self.mode = mode
        }
        if object["plugin"]?.text?.isEmpty == false { throw ManagerCommand.Fault("plugins are not run") }
        users = []
        for user in object["users"]?.elements ?? [] {
            guard let name = user["name"]?.text, let password = user["password"]?.text else {
                throw ManagerCommand.Fault("a user has a name and a password")
            }
            users.append((name, password))
        }
    }

    /// Panels write the number also as text.
    static func port(_ object: JSONValue) throws(ManagerCommand.Fault) -> UInt16 {
        let value = object["server_port"]
        let number = value?.integer ?? value?.text.flatMap { Int($0) }
        guard let port = number.flatMap({ UInt16(exactly: $0) }), port > 0 else {
            throw ManagerCommand.Fault("\"server_port\" is no number from 1 to 65535")
        }
        return port
    }

    package static func == (a: ManagedPort, b: ManagedPort) -> Bool {
        a.port == b.port && a.method == b.method && a.password == b.password && a.mode == b.mode
            && a.users.elementsEqual(b.users, by: ==)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(port)
    }
}

extension ManagedPort: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "port \(port)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(reflecting: description) }
}
