// The way in: bytes and flags to a configuration, or to everything that is wrong with them at once. Opens
// nothing and knows no clock; whoever calls it has read the file.

/// A configuration, unless there were errors, and all findings in the order of the text.
package struct LoadedConfiguration<Configuration: Sendable>: Sendable {
    /// Nil if and only if one of the diagnostics is an error.
    package let configuration: Configuration?
    package let diagnostics: [Diagnostic]
}

extension ServerConfiguration {
    /// Reads a configuration for ssserver; `file` is nil where flags alone say it all.
    package static func load(
        _ file: (bytes: [UInt8], path: String)?, overrides: CommandLineOverrides = CommandLineOverrides(),
        environment: @escaping (String) -> String? = { _ in nil }
    ) -> LoadedConfiguration<ServerConfiguration> {
        var reader = ConfigurationReader(.server, file: file, overrides: overrides, environment: environment)
        let configuration = reader.isReadable ? reader.serverConfiguration() : nil
        return LoadedConfiguration(configuration: configuration, diagnostics: reader.faults.sorted)
    }
}

extension LocalConfiguration {
    /// Reads a configuration for sslocal; `file` is nil where flags alone say it all.
    package static func load(
        _ file: (bytes: [UInt8], path: String)?, overrides: CommandLineOverrides = CommandLineOverrides(),
        environment: @escaping (String) -> String? = { _ in nil }
    ) -> LoadedConfiguration<LocalConfiguration> {
        var reader = ConfigurationReader(.local, file: file, overrides: overrides, environment: environment)
        let configuration = reader.isReadable ? reader.localConfiguration() : nil
        return LoadedConfiguration(configuration: configuration, diagnostics: reader.faults.sorted)
    }
}

extension CommonSettings {
    /// What a file says of the program itself, whatever else is wrong with it: a command finds the running program by it.
    /// Nil where it cannot be read to its end.
    package static func load(
        _ program: Program, _ file: (bytes: [UInt8], path: String), environment: @escaping (String) -> String?
    ) -> CommonSettings? {
        var reader = ConfigurationReader(
            program, file: file, overrides: CommandLineOverrides(), environment: environment)
        return reader.isReadable ? reader.common() : nil
    }
}
