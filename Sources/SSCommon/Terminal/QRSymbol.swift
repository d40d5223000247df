// A QR code (ISO/IEC 18004) on a terminal. A character cell is about twice as high as wide, so half blocks make a module of
// each half of a cell: one column and half a line for a module, a quarter of the room that two columns and a line would take.

/// A square of modules.
package struct QRSymbol: Hashable, Sendable {
    /// Modules of an edge, without the quiet zone.
    package let width: Int
    /// Row by row; true is dark.
    private let modules: [Bool]

    /// The light frame that a scanner needs (ISO/IEC 18004 9.1), in modules.
    package static let quietZone = 4

    /// Nil unless there are `width` rows of `width` modules.
    package init?(width: Int, modules: [Bool]) {
        guard width > 0, modules.count == width * width else { return nil }
        self.width = width
        self.modules = modules
    }

    /// Terminal columns it takes.
    package var columns: Int { width + 2 * Self.quietZone }

    /// `painted` says black and white itself, so that it is right on every terminal; without, what is light in the code is
    /// drawn and what is dark is left, which is right where the terminal is dark. Each line ends with a line end.
    package func text(painted: Bool) -> String {
        var text = ""
        let edge = columns
        for row in stride(from: -Self.quietZone, to: edge - Self.quietZone, by: 2) {
            var pen = Pen(painted: painted)
            for column in -Self.quietZone..<edge - Self.quietZone {
                pen.draw(isDark(row, column), isDark(row + 1, column))
            }
            text += pen.line
        }
        return text
    }

    /// Light everywhere outside.
    private func isDark(_ row: Int, _ column: Int) -> Bool {
        guard (0..<width).contains(row), (0..<width).contains(column) else { return false }
        return modules[row * width + column]
    }
}

/// Draws the cells of a line.
private struct Pen {
    private let painted: Bool
    /// What the background of the next cell is; nil before anything was said about it.
    private var paperIsDark: Bool?
    private var cells = ""

    init(painted: Bool) { self.painted = painted }

    /// Of the 256 colours the two that no theme changes.
    private static let blackOnWhite = "\u{1b}[38;5;16;48;5;231m"
    private static let whiteOnBlack = "\u{1b}[38;5;231;48;5;16m"

    var line: String { cells + (painted ? "\u{1b}[0m\n" : "\n") }

    /// Two modules, one above the other.
    mutating func draw(_ upperIsDark: Bool, _ lowerIsDark: Bool) {
        guard painted else {
            cells += Self.block(upper: !upperIsDark, lower: !lowerIsDark)
            return
        }
        // As little ink as can be, because blocks do not fill a cell in every font and a gap may break the code. What is
        // at the upper edge is background: it is there that most gaps are.
        if paperIsDark != upperIsDark { cells += upperIsDark ? Self.whiteOnBlack : Self.blackOnWhite }
        paperIsDark = upperIsDark
        cells += Self.block(upper: false, lower: lowerIsDark != upperIsDark)
    }

    private static func block(upper: Bool, lower: Bool) -> String {
        switch (upper, lower) {
        case (true, true): "█"
        case (true, false): "▀"
        case (false, true): "▄"
        case (false, false): " "
        }
    }
}
