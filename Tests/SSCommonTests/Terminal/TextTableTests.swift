import SSCommon
import Testing

struct TextTableTests {
    @Test("Columns are as wide as their widest cell, numbers stand to the right, and no line ends in blanks")
    func columns() {
        var table = TextTable(["NAME": .left, "SIZE": .right, "NOTE": .left])
        table.add(["al", "1", "x"])
        table.add(["barbara", "12345", ""])
        #expect(table.text(.plain) == "NAME      SIZE  NOTE\nal           1  x\nbarbara  12345  \n")
    }

    @Test("A last column to the right is filled up to its edge")
    func lastRight() {
        var table = TextTable(["N": .left, "COUNT": .right])
        table.add(["a", "7"])
        #expect(table.text(.plain) == "N  COUNT\na      7\n")
    }

    @Test("Wide, combining and escaped characters keep the columns in line")
    func widths() {
        var table = TextTable(["NAME": .left, "N": .right])
        for name in ["日本", "e\u{301}tude", TerminalText.plain("a\u{1b}[2J"), "plain"] { table.add([name, "1"]) }
        let lines = table.text(.plain).split(separator: "\n").map { TerminalText.columns($0) }
        #expect(Set(lines).count == 1, "\(lines)")
    }

    @Test("Without rows there is the headline alone; with colour only that is painted")
    func head() {
        var table = TextTable(["A": .left])
        #expect(table.text(.plain) == "A\n")
        table.add(["x"])
        #expect(table.text(Palette(isColoured: true)) == "\u{1b}[2mA\u{1b}[0m\nx\n")
    }
}
