// What is printed as a code is read by a scanner as exactly the link, from a picture of what a terminal shows.
import Foundation
import Testing

/// Character cells of a terminal, drawn as a picture in grey.
private struct Picture {
    private static let cell = (width: 8, height: 16)
    private static let margin = 40
    private let rows: [[(upper: UInt8, lower: UInt8)]]
    private let background: UInt8

    /// Of the lines in `text` that belong to a code. What says no colours is drawn in `foreground` on `background`.
    init(_ text: String, foreground: UInt8, background: UInt8) {
        self.background = background
        let lines = text.split(whereSeparator: \.isNewline).filter { line in
            line.contains("\u{1b}[38;5;") || line.contains { "█▀▄".contains($0) }
        }
        rows = lines.map { line in
            var (ink, paper) = (foreground, background)
            // What stands behind each sequence, the sequence first.
            let parts = line.split(separator: "\u{1b}[", omittingEmptySubsequences: false)
            return parts.enumerated().flatMap { index, part in
                var cells = part
                if index > 0, let end = part.firstIndex(of: "m") {
                    switch part[..<end] {
                    case "38;5;16;48;5;231": (ink, paper) = (0, 255)
                    case "38;5;231;48;5;16": (ink, paper) = (255, 0)
                    default: (ink, paper) = (foreground, background)
                    }
                    cells = part[part.index(after: end)...]
                }
                return cells.map { Self.halves($0, ink, paper) }
            }
        }
    }

    private static func halves(_ character: Character, _ ink: UInt8, _ paper: UInt8) -> (upper: UInt8, lower: UInt8) {
        switch character {
        case "█": (ink, ink)
        case "▀": (ink, paper)
        case "▄": (paper, ink)
        default: (paper, paper)
        }
    }

    var columns: Int { rows.map(\.count).max() ?? 0 }
    var lines: Int { rows.count }

    /// The picture as a PGM file (pgm(5)).
    var pgm: Data {
        let (width, height) = (columns * Self.cell.width, lines * Self.cell.height)
        let edge = [UInt8](repeating: background, count: Self.margin)
        let blank = [UInt8](repeating: background, count: width + 2 * Self.margin)
        var body = Data()
        for _ in 0..<Self.margin { body += blank }
        for y in 0..<height {
            let row = rows[y / Self.cell.height]
            let isUpper = y % Self.cell.height < Self.cell.height / 2
            var line: [UInt8] = []
            for cell in row { line += [UInt8](repeating: isUpper ? cell.upper : cell.lower, count: Self.cell.width) }
            line += [UInt8](repeating: background, count: width - line.count)
            body += edge + line + edge
        }
        for _ in 0..<Self.margin { body += blank }
        let head = "P5\n\(width + 2 * Self.margin) \(height + 2 * Self.margin)\n255\n"
        return Data(head.utf8) + body
    }
}

extension EndToEnd {
    @Suite struct QRCodeTests {
        /// What a scanner reads in the code in `text`.
        private func scan(_ stage: Stage, _ text: String, foreground: UInt8, background: UInt8) throws -> String {
            let picture = Picture(text, foreground: foreground, background: background)
            #expect(picture.columns > 8 && (0...1).contains(picture.lines * 2 - picture.columns))
            let file = stage.workspace.unusedPath("code.pgm")
            try picture.pgm.write(to: URL(filePath: file))
            let finished = try stage.run(
                Tool.zbarimg.path(), ["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file])
            return finished.output.trimmingCharacters(in: .newlines)
        }

        /// Runs a command of ours on a terminal of its own and returns what it showed there.
        private func onTerminal(_ stage: Stage, _ command: OurCommand, _ arguments: [String], noColour: Bool) throws
            -> String
        {
            let line = ([try command.tool.path()] + arguments).joined(separator: " ")
            let environment = ["TERM": "xterm-256color", "NO_COLOR": noColour ? "1" : ""]
            return try stage.run(
                Tool.script.path(), ["-qec", line, "/dev/null"], environment: environment
            ).output
        }

        @Test func `a code in a file is read on a dark background`() throws {
            try onStage { stage in
                let new = try stage.newServer()
                let finished = try stage.run(.ssserver, ["share", "-c", new.file, "--qr"])
                #expect(!finished.output.contains("\u{1b}"))
                #expect(try scan(stage, finished.output, foreground: 255, background: 0) == new.link)
            }
        }

        @Test func `a code on a terminal is read on every background, and with NO_COLOR has no colours`() throws {
            try onStage { stage in
                let new = try stage.newServer(["--name", "vps"])
                let arguments = ["share", "-c", new.file, "--qr"]
                let painted = try onTerminal(stage, .ssserver, arguments, noColour: false)
                #expect(painted.contains("\u{1b}[38;5;16;48;5;231m"))
                for (foreground, background) in [(255, 0), (0, 255), (200, 60), (90, 200)] as [(UInt8, UInt8)] {
                    #expect(
                        try scan(stage, painted, foreground: foreground, background: background) == new.link,
                        "\(background)")
                }
                let plain = try onTerminal(stage, .ssserver, arguments, noColour: true)
                #expect(!plain.contains("\u{1b}"))
                #expect(try scan(stage, plain, foreground: 220, background: 20) == new.link)
            }
        }

        @Test(
            "a code on the screen is read, gaps between the lines and all",
            arguments: [("black", "grey", 8), ("black", "grey", 14), ("white", "black", 10)])
        func screenshot(_ background: String, _ foreground: String, _ size: Int) throws {
            try onStage { stage in
                let new = try stage.newServer(["--name", "vps"])
                let (picture, shown) = (stage.workspace.unusedPath("screen.png"), stage.workspace.unusedPath("shown"))
                let command = "'\(try Tool.ssserver.path())' share -c '\(new.file)' --qr; touch '\(shown)'; sleep 30"
                let script = try stage.workspace.file("show.sh", command)
                let screen = """
                    xterm -bg \(background) -fg \(foreground) -u8 -fa 'DejaVu Sans Mono' -fs \(size) -geometry 110x30 \
                        -e sh '\(script)' &
                    for tick in $(seq 100); do [ -e '\(shown)' ] && break; sleep 0.1; done
                    sleep 1
                    \(try Tool.importer.path()) -window root '\(picture)'
                    kill $!
                    """
                _ = try Tool.xterm.path()
                let finished = try stage.run(
                    Tool.xvfbRun.path(), ["-a", "-s", "-screen 0 1500x1000x24", "sh", "-c", screen], seconds: 40,
                    environment: ["NO_COLOR": ""])
                #expect(finished.exit == .status(0), "\(finished.errors)")
                let scanned = try stage.run(
                    Tool.zbarimg.path(), ["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture])
                #expect(scanned.output == new.link + "\n")
            }
        }

        @Test("the code of init and of the laptop's url is the link", arguments: [Method.aes128, .blake3AES256])
        func others(_ method: Method) throws {
            try onStage { stage in
                let file = stage.workspace.unusedPath("server.json")
                let made = try stage.run(
                    .ssserver,
                    [
                        "init", "-c", file, "--host", "[::1]:443", "-m", method.rawValue, "--name", "中 #1",
                        "--port", "\(try Ports.free())",
                    ])
                let link = String(made.output.prefix { $0 != "\n" })
                #expect(link.contains("@[::1]:443#"))
                #expect(try scan(stage, made.output, foreground: 255, background: 0) == link)
                let client = try stage.newClient("-", input: made.output.prefix { $0 != "\n" } + "\n")
                let printed = try stage.run(.sslocal, ["url", "-c", client.file, "--qr"])
                #expect(printed.output.hasPrefix(link + "\n"))
                #expect(try scan(stage, printed.output, foreground: 255, background: 0) == link)
            }
        }
    }
}
