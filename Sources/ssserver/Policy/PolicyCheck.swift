// What is wrong with the rules that a configuration has and names, as findings beside all others.
internal import SSCommandLine
internal import SSCommon

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
        for (path, isACL) in configuration.blacklist.files.map({ ($0, false) })
            + (configuration.settings.acl.map { [($0, true)] } ?? [])
        {
            do throws(RuleFault) {
                _ = try RuleLoader.load(files: [path], isACL: isACL)
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
