import NIOCore
import NIOPosix
import SSCommon
import Testing

@testable import SSNetwork

#if os(Linux)
    import Glibc

    /// A terminal of the test's own: `screen` is what a person would see on it.
    private struct Terminal {
        let screen: Int32
        let line: Int32

        init(columns: UInt16) throws {
            // posix_openpt(3) and its kin are hidden by glibc's feature macros; these are the ioctls they make.
            screen = open("/dev/ptmx", O_RDWR | O_NOCTTY)
            var unlock: Int32 = 0
            var number: Int32 = 0
            try #require(
                ioctl(screen, UInt(0x4004_5431), &unlock) == 0 && ioctl(screen, UInt(0x8004_5430), &number) == 0)
            let name = "/dev/pts/\(number)"
            line = open(name, O_RDWR | O_NOCTTY)
            try #require(line >= 0)
            var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
            try #require(ioctl(line, UInt(TIOCSWINSZ), &size) == 0)
        }

        func close() {
            _ = shut(line)
            _ = shut(screen)
        }
    }

    @Suite("The live line on a terminal", .serialized)
    struct LiveDisplayTests {
        @Test("Log lines scroll above the live line, which is drawn again below them")
        func overlay() throws {
            let terminal = try Terminal(columns: 80)
            defer { terminal.close() }
            let sink = try LogSink(.descriptor(terminal.line))
            #expect(sink.isTerminal)
            sink.show("live one")
            #expect(sink.flush())
            sink.record(try LogProbe.event(1))
            #expect(sink.flush())
            sink.show("live two")
            #expect(sink.close())
            let wipe = "\r\u{1b}[K"
            let text = LogProbe.read(terminal.screen, milliseconds: 2000) { $0.hasSuffix("live two\r\n") }
            // The terminal turns a line feed into a return and a line feed.
            let parts = text.components(wipe)
            #expect(parts.first == "" && parts.last == "live two\r\n")
            #expect(
                parts.contains { $0.hasSuffix("connecting host1.example.com:443 from 203.0.113.9:51234\r\nlive one") })
            #expect(parts.allSatisfy { $0.isEmpty || $0.hasSuffix("live one") || $0 == "live two\r\n" })
        }

        @Test("It is drawn at once and each second, as wide as the terminal", arguments: [20, 80] as [UInt16])
        func display(columns: UInt16) async throws {
            let terminal = try Terminal(columns: columns)
            defer { terminal.close() }
            let ledger = TrafficLedger()
            let counters = ledger.makeCounters()
            let sink = try LogSink(.descriptor(terminal.line))
            let display = try #require(LiveDisplay(ledger, log: sink, isUnicode: false))
            display.start(on: MultiThreadedEventLoopGroup.singleton.any())
            var text = LogProbe.read(terminal.screen, milliseconds: 3000) { $0.contains("0 streams") }
            counters.streamOpened()
            text += LogProbe.read(terminal.screen, milliseconds: 5000) { $0.contains("1 stream") }
            display.stop()
            sink.close()
            #expect(text.contains("0 streams") && text.contains("1 stream"))
            #expect(text.contains("opened") == (columns == 80))
            for part in text.components("\r\u{1b}[K") {
                #expect(part.filter { !$0.isNewline }.count < Int(columns))
            }
        }

        @Test("Without a terminal there is no live line")
        func noTerminal() throws {
            let pipe = try LogProbe.pipe()
            defer { _ = (close(pipe.read), close(pipe.write)) }
            let sink = try LogSink(.descriptor(pipe.write))
            if isatty(1) == 0 { #expect(LiveDisplay(TrafficLedger(), log: sink, isUnicode: true) == nil) }
            sink.close()
        }

        @Test("The first locale variable that says something decides about Unicode")
        func locale() {
            #expect(LiveDisplay.isUnicode { ["LANG": "en_GB.UTF-8"][$0] })
            #expect(LiveDisplay.isUnicode { ["LC_ALL": "", "LC_CTYPE": "C.utf8", "LANG": "C"][$0] })
            #expect(!LiveDisplay.isUnicode { ["LC_ALL": "C", "LANG": "en_GB.UTF-8"][$0] })
            #expect(!LiveDisplay.isUnicode { _ in nil })
        }
    }

    extension String {
        /// The parts between occurrences of `separator`.
        fileprivate func components(_ separator: String) -> [String] {
            split(separator: separator, omittingEmptySubsequences: false).map(String.init)
        }
    }

    private func shut(_ descriptor: Int32) -> Int32 { close(descriptor) }
#endif
