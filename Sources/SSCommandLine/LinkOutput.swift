// Links and their codes on standard output, which is what was asked for by whoever runs `init`, `share` or `url`. Nothing
// here writes a link anywhere else.
package import SSCommon

package enum LinkOutput {
    /// The link as a line, and its code if there can be one; says why where there cannot.
    package static func show(_ link: ServerLink, withCode: Bool) {
        Environment.write(link.text + "\n", to: 1)
        guard withCode else { return }
        if let code = code(of: link.text) { Environment.write(code, to: 1) }
    }

    /// The code as text for standard output.
    package static func code(of text: String) -> String? {
        do throws(QREncoder.Failure) {
            let symbol = try QREncoder.symbol(of: text)
            if let columns = Environment.columns(1), columns < symbol.columns {
                Report.note(
                    "no QR code: it takes \(symbol.columns) columns and this terminal has \(columns)",
                    help: "make the window wider, or the letters smaller")
                return nil
            }
            return symbol.text(painted: isPainted)
        } catch {
            Report.note("no QR code: \(error)", help: error.help)
            return nil
        }
    }

    /// Black and white are told to a terminal, whatever its colours are. NO_COLOR is obeyed, since whoever sets it wants no
    /// such sequences in what a program prints; then, and in files, the code is drawn for a dark background.
    private static var isPainted: Bool {
        Palette(isTerminal: Environment.isTerminal(1), environment: Environment.variable).isColoured
    }
}
