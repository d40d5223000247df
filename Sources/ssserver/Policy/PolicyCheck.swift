// What is wrong with the rules that a configuration has and names, as findings beside all others.
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

enum PolicyCheck {
    /// Adds what is wrong with rules in `checked`, and with the files that it names if `readsFiles`.
    static func add(
        to checked: CheckedConfiguration<ServerConfiguration>, readsFiles: Bool
    ) -> CheckedConfiguration<ServerConfiguration> {
        guard let configuration = checked.configuration else { return checked }
        var checked = checked
        let rules = configuration.blacklist.rules
        for rule in rules {
            do throws(RuleFault) {
                _ = try RuleLoader.parse(rule.text, rule.source)
            } catch {
                checked.diagnostics.append(finding(.badValue, error, line: rule.line))
            }
        }
        guard readsFiles else { return checked }
        let directory = StateDirectory.path("ssserver", configured: configuration.settings.stateDirectory)
        let lists = RuleFile.files(configuration.blacklist, below: directory).map { ($0, false) }
        let acl = configuration.settings.acl.map { (RuleFile(acl: $0, below: directory), true) }
        for (file, isACL) in lists + (acl.map { [$0] } ?? []) {
            do throws(RuleFault) {
                _ = try RuleLoader.load([file], isACL: isACL)
            } catch {
                checked.diagnostics.append(
                    finding(error.line == nil ? .unreadableFile : .badValue, error, line: error.line))
            }
        }
        return checked
    }

    private static func finding(_ code: DiagnosticCode, _ fault: RuleFault, line: Int?) -> Diagnostic {
        var finding = Diagnostic(code, fault.reason, path: fault.path, help: fault.help)
        finding.line = line
        finding.column = line.map { _ in 1 }
        return finding
    }
}
