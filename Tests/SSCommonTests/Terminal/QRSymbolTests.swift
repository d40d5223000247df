import SSCommon
import Testing

@Suite("QR codes in half blocks")
struct QRSymbolTests {
    /// Reads the picture back: what a terminal shows of each character, upper half before lower, dark as true.
    private func modules(of text: String, painted: Bool) -> [[Bool]] {
        let ink = painted
        return text.split(separator: "\n").flatMap { line -> [[Bool]] in
            let cells = line.replacing(/\u{1b}\[[0-9;]*m/, with: "")
            let halves = cells.map { cell -> (Bool, Bool) in
                switch cell {
                case "█": (ink, ink)
                case "▀": (ink, !ink)
                case "▄": (!ink, ink)
                default: (!ink, !ink)
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
        let picture = modules(of: symbol.text(painted: painted), painted: painted)
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

    @Test("Painted, every line says its colours and takes them back; plain, there is nothing but blocks")
    func colours() throws {
        let symbol = try #require(QRSymbol(width: 2, modules: [true, false, false, true]))
        for line in symbol.text(painted: true).split(separator: "\n") {
            #expect(line.hasPrefix("\u{1b}[38;5;16;48;5;231m") && line.hasSuffix("\u{1b}[0m"))
        }
        #expect(symbol.text(painted: false).allSatisfy { "█▀▄ \n".contains($0) })
    }

    @Test("Rows that do not make a square are no code")
    func square() {
        #expect(QRSymbol(width: 2, modules: [true]) == nil)
        #expect(QRSymbol(width: 0, modules: []) == nil)
        #expect(QRSymbol(width: -1, modules: [true]) == nil)
    }
}
