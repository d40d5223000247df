// Where a key comes from. Printing one prints nothing of it.

package enum PasswordSource: Hashable, Sendable {
    /// The password itself, from the configuration, the environment or the command line.
    case text(String)
    /// A file whose first line is the password; whoever opens files reads it.
    case file(String)
}

extension PasswordSource: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String {
        switch self {
        case .text: "••••••••"
        case .file(let path): "password file \(path)"
        }
    }

    package var debugDescription: String { description }

    package var customMirror: Mirror { Mirror(reflecting: description) }
}
