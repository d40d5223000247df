// Foreign text on a terminal: what each character looks like and how many columns it takes. Control and
// format characters (escape sequences, direction overrides, line separators) are spelled out, so that a
// file can neither repaint the screen nor show other text than it holds.

package enum TerminalText {
    /// How many spaces stand for a tab.
    private static let tab = 4

    /// One scalar as it is to be printed, with the terminal columns it takes.
    package static func show(_ scalar: Unicode.Scalar) -> (text: String, columns: Int) {
        if scalar == "\t" { return (String(repeating: " ", count: tab), tab) }
        if (0x20...0x7e).contains(scalar.value) { return (String(Character(scalar)), 1) }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate:
            let hex = String(scalar.value, radix: 16)
            let text = scalar.value < 0x80 ? "\\x" + (hex.utf8.count == 1 ? "0" : "") + hex : "\\u{\(hex)}"
            return (text, text.utf8.count)
        case .nonspacingMark, .enclosingMark:
            return (String(Character(scalar)), 0)
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .spacingMark,
            .decimalNumber, .letterNumber, .otherNumber, .connectorPunctuation, .dashPunctuation,
            .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation, .otherPunctuation,
            .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol, .spaceSeparator:
            return (String(Character(scalar)), isWide(scalar) ? 2 : 1)
        @unknown default:
            return ("\u{fffd}", 1)
        }
    }

    /// Foreign text made harmless, whole and without quotes.
    package static func plain(_ text: String) -> String { text.unicodeScalars.map { show($0).text }.joined() }

    /// Foreign text in quotes for a message: harmless, no longer than `limit` characters, and without the key in a link.
    package static func quote(_ text: some StringProtocol, limit: Int = 60) -> String {
        var result = "\""
        for (index, scalar) in ServerLink.covered(String(text.prefix(limit + 6))).unicodeScalars.enumerated() {
            if index == limit {
                result += "…"
                break
            }
            result += show(scalar).text
        }
        return result + "\""
    }

    /// The columns that harmless text takes.
    package static func columns(_ text: some StringProtocol) -> Int {
        text.unicodeScalars.reduce(0) { $0 + show($1).columns }
    }

    /// The blocks of UAX 11 (East Asian Width) that terminals draw two columns wide.
    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xa960...0xa97c, 0xac00...0xd7a3, 0xf900...0xfaff,
            0xfe30...0xfe6f, 0xff01...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f680...0x1f6ff,
            0x1f900...0x1f9ff, 0x20000...0x3fffd:
            true
        default: false
        }
    }
}
