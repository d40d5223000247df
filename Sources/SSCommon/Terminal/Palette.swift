// The few colours we use, and the one decision whether to use any: only on a terminal, and not where NO_COLOR
// (no-color.org) is set to anything or TERM is "dumb". Colour only repeats what a word beside it says.

/// Wraps text in SGR sequences (ECMA-48 8.3.117), or leaves it as it is.
package struct Palette: Hashable, Sendable {
    package enum Style: String, CaseIterable, Sendable {
        /// An error's head and its carets.
        case error = "1;31"
        /// A warning's head and its carets.
        case warning = "1;33"
        /// Something that went well.
        case success = "32"
        /// Frames and line numbers.
        case frame = "34"
        /// What to do about it.
        case help = "36"
        /// A headline.
        case strong = "1"
        /// Less important text.
        case faint = "2"
    }

    package let isColoured: Bool

    package init(isColoured: Bool) { self.isColoured = isColoured }

    /// `isTerminal` is isatty(3) of the stream that will be written to.
    package init(isTerminal: Bool, environment: (String) -> String?) {
        let refused = environment("NO_COLOR").map { !$0.isEmpty } ?? false
        isColoured = isTerminal && !refused && environment("TERM") != "dumb"
    }

    /// No colour at all: files, pipes, tests.
    package static let plain = Palette(isColoured: false)

    /// `text` in `style`; empty text stays empty.
    package func paint(_ text: String, _ style: Style) -> String {
        isColoured && !text.isEmpty ? "\u{1b}[\(style.rawValue)m\(text)\u{1b}[0m" : text
    }
}
