// The look of every page that the programs show, in one small document without a script or an outside reference:
// readable on a phone, in light and in dark.

/// HTML for a person. Whatever goes in as `String` is escaped on the way.
package struct Page {
    package enum Layout: Sendable {
        /// A few words in the middle.
        case letter
        /// Figures and tables, which the browser fetches anew after so many seconds.
        case board(refresh: Int)
    }

    /// A figure with what it is of, and words on it.
    package struct Card: Sendable {
        package var label: String
        package var value: String
        package var note: String
        /// Whether somebody should look at it.
        package var isAlarming = false

        package init(_ label: String, _ value: String, _ note: String, isAlarming: Bool = false) {
            self.label = label
            self.value = value
            self.note = note
            self.isAlarming = isAlarming
        }
    }

    private var body = ""
    private let title: String
    private let layout: Layout

    package init(title: String, layout: Layout = .letter) {
        self.title = title
        self.layout = layout
    }

    package mutating func heading(_ text: String) { body += "<h1>\(Self.escape(text))</h1>\n" }
    package mutating func section(_ text: String) { body += "<h2>\(Self.escape(text))</h2>\n" }
    package mutating func paragraph(_ text: String) { body += "<p>\(Self.escape(text))</p>\n" }
    package mutating func code(_ text: String) { body += "<pre>\(Self.escape(text))</pre>\n" }
    /// A paragraph that leads somewhere; `address` is a URL of ours or the owner's, never a stranger's.
    package mutating func link(_ text: String, to address: String) {
        body += "<p><a href=\"\(Self.escape(address))\">\(Self.escape(text))</a></p>\n"
    }

    package mutating func cards(_ cards: [Card]) {
        body += "<dl>\n"
        for card in cards {
            let mark = card.isAlarming ? " class=\"alarm\"" : ""
            body += "<div\(mark)><dt>\(Self.escape(card.label))</dt><dd>\(Self.escape(card.value))</dd>"
            body += "<dd class=\"note\">\(Self.escape(card.note))</dd></div>\n"
        }
        body += "</dl>\n"
    }

    /// Columns whose name is in `numbers` stand to the right.
    package mutating func table(_ columns: [String], numbers: Set<String> = [], _ rows: [[String]]) {
        func cells(_ row: [String], _ element: String) -> String {
            zip(columns, row).map { column, text in
                let mark = numbers.contains(column) ? " class=\"number\"" : ""
                return "<\(element)\(mark)>\(Self.escape(text))</\(element)>"
            }.joined()
        }
        body += "<div class=\"wide\"><table><thead><tr>\(cells(columns, "th"))</tr></thead><tbody>\n"
        for row in rows { body += "<tr>\(cells(row, "td"))</tr>\n" }
        body += "</tbody></table></div>\n"
    }

    package mutating func small(_ text: String) { body += "<footer>\(Self.escape(text))</footer>\n" }

    package var html: String {
        let (refresh, style) =
            switch layout {
            case .letter: ("", Self.style)
            case .board(let seconds):
                ("\n<meta http-equiv=\"refresh\" content=\"\(seconds)\">", Self.style + "\n" + Self.boardStyle)
            }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">\(refresh)
            <meta name="color-scheme" content="light dark">
            <title>\(Self.escape(title))</title>
            <style>\(style)</style></head>
            <body><main>
            \(body)</main></body></html>

            """
    }

    /// Also neutralises what could turn text round: bidirectional controls and other unseen characters become
    /// `\u{...}`.
    package static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\n": escaped += "\n"
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .privateUse, .surrogate, .unassigned, .lineSeparator, .paragraphSeparator:
                    escaped += "\\u{\(String(scalar.value, radix: 16))}"
                default: escaped.unicodeScalars.append(scalar)
                }
            }
        }
        return escaped
    }

    private static let style = """
        :root{color-scheme:light dark}
        body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:#1c2733;background:#f4f6f8}
        main{max-width:40rem;margin:8vh auto;padding:1.5rem 1.25rem;box-sizing:border-box;background:#fff;\
        border-radius:.75rem;border:1px solid #d9e0e6}
        h1{font-size:1.4rem;margin:0 0 .75rem}h2{font-size:1.05rem;margin:1.5rem 0 .25rem}p{margin:.5rem 0}
        pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:.75rem;border-radius:.5rem;background:#eef2f5;font-size:.875rem;margin:.5rem 0}
        a{color:#0b5cad;overflow-wrap:anywhere}
        footer{margin-top:1.5rem;color:#5b6b7a;font-size:.875rem;overflow-wrap:anywhere}
        @media(prefers-color-scheme:dark){body{color:#dde5ec;background:#11161b}
        main{background:#1a2128;border-color:#2c3742}pre{background:#11161b}a{color:#7db8f0}footer{color:#93a3b1}}
        @media(max-width:42rem){main{margin:0;border:0;border-radius:0;min-height:100vh}}
        """

    private static let boardStyle = """
        main{max-width:64rem;margin:2rem auto}
        dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;margin:1rem 0}
        dl div{padding:.75rem 1rem;border:1px solid #d9e0e6;border-radius:.5rem}
        dl .alarm{border-color:#b3261e;border-left-width:.35rem}
        dt{color:#5b6b7a;font-size:.875rem}dd{margin:0;font-size:1.35rem}
        .note{font-size:.875rem;overflow-wrap:anywhere}
        .wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9375rem}
        th,td{padding:.35rem .75rem .35rem 0;text-align:left;border-bottom:1px solid #d9e0e6;vertical-align:top}
        td:last-child{overflow-wrap:anywhere;min-width:7rem}th{color:#5b6b7a;font-weight:normal;font-size:.875rem}
        .number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        @media(prefers-color-scheme:dark){dl div,th,td{border-color:#2c3742}dl .alarm{border-color:#f2857d}dt,th{color:#93a3b1}}
        @media(max-width:42rem){main{margin:0}}
        """
}
