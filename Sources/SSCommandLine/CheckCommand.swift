// `check`: every fault of a configuration at once; opens nothing for long, changes nothing.
package import ArgumentParser
internal import SSCommon

package struct CheckFlags: ParsableArguments {
    package enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
    }

    @OptionGroup package var run: RunFlags

    @Option(help: "text for people, json (an object a line) for editors.")
    package var format = Format.text

    @Flag(help: "Warnings count as errors.")
    package var strict = false

    package init() {}

    private func outcome(_ isUsable: Bool) -> String {
        if !isUsable { return "it would not start" }
        return strict ? "usable, but --strict counts warnings as errors" : "the configuration is usable"
    }

    /// Reports on `checked` and throws the exit status unless all is well.
    package func report<Configuration: Sendable>(_ checked: CheckedConfiguration<Configuration>) throws {
        let isGood = checked.isUsable && (!strict || checked.diagnostics.isEmpty)
        switch format {
        case .json:
            Report.showJSON(checked.diagnostics)
        case .text:
            Report.show(checked.diagnostics, outcome: outcome(checked.isUsable))
            if isGood { Environment.write("\(checked.path ?? "command line"): ok\n", to: 1) }
        }
        if !isGood { throw Report.badConfiguration }
    }
}
