// Tables for people: columns as wide as they must be, numbers to the right, a faint headline.

package struct TextTable: Sendable {
    package enum Side: Sendable {
        case left
        case right
    }

    private let columns: [(title: String, side: Side)]
    private var rows: [[String]] = []

    package init(_ columns: KeyValuePairs<String, Side>) {
        self.columns = columns.map { ($0.key, $0.value) }
    }

    /// As many cells as there are columns; foreign text must have been made harmless (`TerminalText`).
    package mutating func add(_ cells: [String]) {
        precondition(cells.count == columns.count, "a row has one cell a column")
        rows.append(cells)
    }

    /// With a line feed behind each row.
    package func text(_ palette: Palette) -> String {
        let widths = columns.indices.map { index in
            (rows.map { $0[index] } + [columns[index].title]).map(Self.width).max() ?? 0
        }
        let head = palette.paint(line(columns.map(\.title), widths), .faint)
        return ([head] + rows.map { line($0, widths) }).map { $0 + "\n" }.joined()
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let blank = String(repeating: " ", count: widths[index] - Self.width(cell))
            let isLast = index == cells.count - 1
            switch columns[index].side {
            case .left: line += cell + (isLast ? "" : blank)
            case .right: line += blank + cell
            }
            if !isLast { line += "  " }
        }
        return line
    }

    private static func width(_ text: String) -> Int { TerminalText.columns(text) }
}
