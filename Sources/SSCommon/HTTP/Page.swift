// The look of every page that the programs show, in one small document without a script or an outside reference:
// readable on a phone, in light and in dark.

/// HTML for a person. Whatever goes in as `String` is escaped on the way.
package struct Page {
    private var body = ""
    private let title: String

    package init(title: String) { self.title = title }

    package mutating func heading(_ text: String) { body += "<h1>\(Self.escape(text))</h1>\n" }
    package mutating func section(_ text: String) { body += "<h2>\(Self.escape(text))</h2>\n" }
    package mutating func paragraph(_ text: String) { body += "<p>\(Self.escape(text))</p>\n" }
    package mutating func code(_ text: String) { body += "<pre>\(Self.escape(text))</pre>\n" }
    /// A paragraph that leads somewhere; `address` is a URL of ours or the owner's, never a stranger's.
    package mutating func link(_ text: String, to address: String) {
        body += "<p><a href=\"\(Self.escape(address))\">\(Self.escape(text))</a></p>\n"
    }

    package mutating func small(_ text: String) { body += "<footer>\(Self.escape(text))</footer>\n" }

    package var html: String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(Self.escape(title))</title>
        <style>\(Self.style)</style></head>
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
}
