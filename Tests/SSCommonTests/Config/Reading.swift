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
    /// Of a 2022 method with 32-byte keys.
    static let key2022 = "Qk9sZ3B3dG5YaDd2UzJtRGNMeUU4akZrNVIxYUoweno="
    static let needed =
        "\"server\": \"192.0.2.1\", \"server_port\": 8388, \"method\": \"aes-256-gcm\", \"password\": \"\(key)\""
}
