// Prometheus' text format 0.0.4, a metric at a time.

struct MetricsPage {
    private(set) var text = ""

    private mutating func head(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func add(_ name: String, _ type: String, _ help: String, _ value: UInt64) {
        head(name, type, help)
        text += "\(name) \(value)\n"
    }

    /// `values` have labels without quotes and backslashes.
    mutating func add(_ name: String, _ type: String, _ help: String, label: String, _ values: [(String, UInt64)]) {
        head(name, type, help)
        for (word, value) in values { text += "\(name){\(label)=\"\(word)\"} \(value)\n" }
    }
}
