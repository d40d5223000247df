// Our two programs as a person at a prompt meets them.
import Foundation
import Testing

enum OurCommand: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case sslocal, ssserver

    var tool: Tool {
        switch self {
        case .sslocal: .sslocal
        case .ssserver: .ssserver
        }
    }

    var testDescription: String { rawValue }

    /// A config this program runs with.
    func config(_ ports: ConfigPorts) -> String {
        """
        {
          // both programs read one file
          "server": "127.0.0.1", "server_port": \(ports.server),
          "method": "aes-256-gcm", "password": "\(RunningPair.key)",
          "local_address": "127.0.0.1", "local_port": \(ports.local),
          "mode": "tcp_and_udp", "timeout": 300, /* and a trailing comma */
        }
        """
    }

    /// The port it listens on with that config.
    func port(_ ports: ConfigPorts) -> UInt16 {
        switch self {
        case .sslocal: ports.local
        case .ssserver: ports.server
        }
    }
}

struct ConfigPorts: Sendable {
    let server: UInt16
    let local: UInt16

    init() throws {
        server = try Ports.free()
        local = try Ports.free()
    }
}

extension Stage {
    func run(
        _ command: OurCommand, _ arguments: [String], seconds: Double = 10, input: String? = nil
    ) throws -> Finished {
        try run(try command.tool.path(), arguments, seconds: seconds, input: input)
    }

    func start(_ command: OurCommand, _ arguments: [String]) throws -> ProcessUnderTest {
        try start(try command.tool.path(), arguments)
    }
}

/// Asserts an exit status and that standard error names each of `words`, in any case.
func expect(
    _ finished: Finished, exits status: Int32, saying words: [String], _ context: String = "",
    at location: SourceLocation = #_sourceLocation
) {
    #expect(
        finished.exit == .status(status), "\(context): \(finished.exit)\n\(finished.errors)", sourceLocation: location)
    let said = finished.errors.lowercased()
    for word in words {
        #expect(
            said.contains(word.lowercased()), "\(context): \(word) is not in\n\(finished.errors)",
            sourceLocation: location)
    }
    let secret = finished.errors.contains(RunningPair.key)
    #expect(!secret, "\(context): the key was printed", sourceLocation: location)
}
