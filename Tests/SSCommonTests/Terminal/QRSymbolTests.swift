import SSCommon
import Testing

@Suite("QR codes in half blocks")
struct QRSymbolTests {
    /// Reads the picture back: what a dark terminal shows of each character, upper half before lower, dark as true.
    private func modules(of text: String) throws -> [[Bool]] {
        try text.split(separator: "\n").flatMap { line -> [[Bool]] in
            var (ink, paper) = (false, true)
            var halves: [(Bool, Bool)] = []
            var rest = line[...]
            while let character = rest.first {
                if let sequence = rest.prefixMatch(of: /\u{1b}\[([0-9;]*)m/) {
                    switch sequence.1 {
                    case "38;5;16;48;5;231": (ink, paper) = (true, false)
                    case "38;5;231;48;5;16", "0": (ink, paper) = (false, true)
                    default: Issue.record("another sequence: \(sequence.1)")
                    }
                    rest = rest[sequence.range.upperBound...]
                    continue
                }
                rest.removeFirst()
                switch character {
                case "█": halves.append((ink, ink))
                case "▀": halves.append((ink, paper))
                case "▄": halves.append((paper, ink))
                default:
                    try #require(character == " ")
                    halves.append((paper, paper))
                }
            }
            return [halves.map(\.0), halves.map(\.1)]
        }
    }

    @Test("Each module is one column wide and half a line high, in a light frame of four", arguments: [true, false])
    func picture(painted: Bool) throws {
        let width = 21
        let dark = { (row: Int, column: Int) in (row * 7 + column * 3) % 5 < 2 }
        let symbol = try #require(
            QRSymbol(width: width, modules: (0..<width * width).map { dark($0 / width, $0 % width) }))
        let picture = try modules(of: symbol.text(painted: painted))
        #expect(symbol.columns == 29)
        // An odd number of rows is filled up with light.
        #expect(picture.count == 30 && picture.allSatisfy { $0.count == 29 })
        for (row, line) in picture.enumerated() {
            for (column, isDark) in line.enumerated() {
                let inside = (4..<25).contains(row) && (4..<25).contains(column)
                #expect(isDark == (inside && dark(row - 4, column - 4)), "\(row), \(column)")
            }
        }
    }

    @Test(
        "Painted, every line says its colours, takes them back, and leaves the upper edge of a cell to the background")
    func colours() throws {
        let symbol = try #require(QRSymbol(width: 2, modules: [true, false, false, true]))
        let text = symbol.text(painted: true)
        for line in text.split(separator: "\n") {
            #expect(line.hasPrefix("\u{1b}[38;5;16;48;5;231m") && line.hasSuffix("\u{1b}[0m"))
        }
        #expect(!text.contains("█") && !text.contains("▀"))
        #expect(symbol.text(painted: false).allSatisfy { "█▀▄ \n".contains($0) })
    }

    @Test("Rows that do not make a square are no code")
    func square() {
        #expect(QRSymbol(width: 2, modules: [true]) == nil)
        #expect(QRSymbol(width: 0, modules: []) == nil)
        #expect(QRSymbol(width: -1, modules: [true]) == nil)
    }
}
