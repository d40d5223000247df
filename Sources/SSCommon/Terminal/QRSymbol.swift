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
            if painted { text += Self.blackOnWhite }
            for column in -Self.quietZone..<edge - Self.quietZone {
                text += Self.cell(isDark(row, column), isDark(row + 1, column), painted: painted)
            }
            text += painted ? "\u{1b}[0m\n" : "\n"
        }
        return text
    }

    /// Of the 256 colours the two that no theme changes.
    private static let blackOnWhite = "\u{1b}[38;5;16;48;5;231m"

    /// A block draws what is dark when painted, and what is light when not.
    private static func cell(_ upper: Bool, _ lower: Bool, painted: Bool) -> String {
        switch (upper == painted, lower == painted) {
        case (true, true): "█"
        case (true, false): "▀"
        case (false, true): "▄"
        case (false, false): " "
        }
    }

    /// Light everywhere outside.
    private func isDark(_ row: Int, _ column: Int) -> Bool {
        guard (0..<width).contains(row), (0..<width).contains(column) else { return false }
        return modules[row * width + column]
    }
}
