import SSCommon

/// Loads text as a configuration and renders what is said about it.
enum Reading {
    static func server(
        _ text: String, overrides: CommandLineOverrides = CommandLineOverrides(), environment: [String: String] = [:]
    ) -> LoadedConfiguration<ServerConfiguration> {
        ServerConfiguration.load((Array(text.utf8), "s.json"), overrides: overrides) { environment[$0] }
    }

    static func local(
        _ text: String, overrides: CommandLineOverrides = CommandLineOverrides(), environment: [String: String] = [:]
    ) -> LoadedConfiguration<LocalConfiguration> {
        LocalConfiguration.load((Array(text.utf8), "l.json"), overrides: overrides) { environment[$0] }
    }

    static let renderer = DiagnosticRenderer()

    /// What a configuration needs besides the line under test; all on line 2 and after.
    static let key = "kY3rJ0n8w2vQ5tLz7bXc1sDf"
    static let needed =
        "\"server\": \"192.0.2.1\", \"server_port\": 8388, \"method\": \"aes-256-gcm\", \"password\": \"\(key)\""
}
