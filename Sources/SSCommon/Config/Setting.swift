// A value that has passed the table: of the right type, in range, and still knowing where it stands, so that
// whoever finds two settings that do not fit together can point at them.

struct Setting: Sendable {
    indirect enum Content: Sendable {
        case text(String)
        case flag(Bool)
        case number(Int)
        case time(Duration)
        case size(UInt64)
        case host(HostPort)
        case prefix(IPPrefix)
        case nameservers([Nameserver])
        case logLevel(LogLevel)
        case logFormat(LogFormat)
        case portPasswords([(port: Setting, password: Setting)])
        case section(CheckedSection)
        case list([Setting])
        /// Checked as far as it matters, and of no effect.
        case nothing
    }

    var content: Content
    var span: SourceSpan
    /// The key before the value, where there is one.
    var keySpan: SourceSpan?
    var source: SourceText
    /// As the user wrote it, for messages: `"server_port"` or `-p`.
    var shown: String

    var text: String? { if case .text(let value) = content { value } else { nil } }
    var flag: Bool? { if case .flag(let value) = content { value } else { nil } }
    var number: Int? { if case .number(let value) = content { value } else { nil } }
    var time: Duration? { if case .time(let value) = content { value } else { nil } }
    var size: UInt64? { if case .size(let value) = content { value } else { nil } }
    var host: HostPort? { if case .host(let value) = content { value } else { nil } }
    var prefix: IPPrefix? { if case .prefix(let value) = content { value } else { nil } }
    var nameservers: [Nameserver]? { if case .nameservers(let value) = content { value } else { nil } }
    var section: CheckedSection? { if case .section(let value) = content { value } else { nil } }

    /// The elements of a list, or the one value that stands in its place.
    var elements: [Setting] { if case .list(let values) = content { values } else { [self] } }
}

/// An object whose members have passed the table, under their canonical names.
struct CheckedSection: Sendable {
    var settings: [String: Setting] = [:]
    /// Keys that were given and could not be read; nobody should be told that they are missing.
    var faulty: Set<String> = []
    /// Where the object begins.
    var span: SourceSpan
    var source: SourceText

    subscript(_ key: String) -> Setting? { settings[key] }

    /// The object itself, to point at.
    var place: Setting { Setting(content: .nothing, span: span, source: source, shown: "this") }

    /// The elements under `key`, none if it is not there.
    func elements(_ key: String) -> [Setting] { settings[key]?.elements ?? [] }
}
