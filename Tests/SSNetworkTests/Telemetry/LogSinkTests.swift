import Dispatch
import Logging
import SSCommon
import Testing

@testable import SSNetwork

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("The log's writer", .serialized)
struct LogSinkTests {
    @Test("A pipe that nobody empties never holds up the caller, and what is missing is counted")
    func stuckPipe() throws {
        let pipe = try LogProbe.pipe()
        defer { close(pipe.read) }
        let sink = try LogSink(.descriptor(pipe.write), bound: 1 << 20)
        let total = 200_000
        let event = try LogProbe.event(1)
        var slowest = Duration.zero
        for _ in 0..<total {
            let took = ContinuousClock().measure { sink.record(event) }
            slowest = max(slowest, took)
        }
        // A blocked write would last until the pipe is read, which is below.
        #expect(slowest < .seconds(2))
        #expect(sink.droppedLines > 0)
        #expect(!sink.flush(milliseconds: 20))

        let reader = LogProbe.Reader(pipe.read)
        #expect(sink.close(milliseconds: 10_000))
        close(pipe.write)
        let lines = reader.finish()
        let told = lines.compactMap { $0.split(separator: "lines dropped lines=").last.flatMap { UInt64($0) } }
        let written = lines.count { $0.hasSuffix("connecting host1.example.com:443 from 203.0.113.9:51234") }
        #expect(written + told.count == lines.count)
        #expect(UInt64(written) + sink.droppedLines == UInt64(total))
        #expect(told.reduce(0, +) == sink.droppedLines)
    }

    @Test("A stuck pipe does not keep the program from ending")
    func stuckPipeAtClose() throws {
        let pipe = try LogProbe.pipe()
        let sink = try LogSink(.descriptor(pipe.write))
        for _ in 0..<10_000 { sink.record(try LogProbe.event(1)) }
        let took = ContinuousClock().measure { #expect(!sink.close(milliseconds: 100)) }
        #expect(took < .seconds(5))
        // The reader leaves; the writer's thread gets EPIPE, not a signal, and ends.
        close(pipe.read)
        #expect(sink.close(milliseconds: 5000))
        close(pipe.write)
    }

    @Test("A pipe that somebody made non-blocking is waited for")
    func nonBlockingPipe() throws {
        let pipe = try LogProbe.pipe()
        defer { close(pipe.read) }
        _ = fcntl(pipe.write, F_SETFL, O_NONBLOCK)
        let sink = try LogSink(.descriptor(pipe.write))
        for number in 0..<5000 { sink.record(try LogProbe.event(number)) }
        usleep(50_000)
        let reader = LogProbe.Reader(pipe.read)
        #expect(sink.close(milliseconds: 5000))
        close(pipe.write)
        #expect(reader.finish().count == 5000)
        #expect(sink.droppedLines == 0)
    }

    @Test("A lone line is written at once, a stream of lines in batches")
    func latency() throws {
        let pipe = try LogProbe.pipe()
        defer { close(pipe.read) }
        let sink = try LogSink(.descriptor(pipe.write))
        for number in 0..<3 {
            let took = try ContinuousClock().measure {
                sink.record(try LogProbe.event(number))
                let line = LogProbe.read(pipe.read, milliseconds: 5000) { $0.hasSuffix("\n") }
                #expect(line.contains("host\(number)."))
            }
            #expect(took < .seconds(1))
            usleep(20_000)
        }
        sink.close()
        close(pipe.write)
    }

    @Test("Lines of many threads stay whole and in each thread's order")
    func threads() throws {
        let pipe = try LogProbe.pipe()
        defer { close(pipe.read) }
        let reader = LogProbe.Reader(pipe.read)
        let sink = try LogSink(.descriptor(pipe.write), format: .logfmt, bound: 64 << 20)
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for number in 0..<2000 {
                sink.log(.debug, "unseen")
                sink.log(.error, "t\(thread)-\(number % 250)", [("n", "\(number)")])
            }
        }
        #expect(sink.close(milliseconds: 10_000))
        close(pipe.write)
        let lines = reader.finish()
        #expect(lines.count == 8000)
        for thread in 0..<4 {
            let numbers = lines.filter { $0.contains(" msg=t\(thread)-") }
                .compactMap { $0.split(separator: " n=").last.flatMap { Int($0) } }
            #expect(numbers == Array(0..<2000))
        }
    }

    @Test("A message that repeats is held back; the lines bans are counted from are not")
    func limit() throws {
        let pipe = try LogProbe.pipe()
        defer { close(pipe.read) }
        let reader = LogProbe.Reader(pipe.read)
        let sink = try LogSink(.descriptor(pipe.write))
        let peer = Endpoint(.v4(IPv4Address(203, 0, 113, 9)), 1)
        for _ in 0..<1000 {
            sink.log(.warning, "cannot accept")
            sink.record(.unauthenticated(peer: peer, .cipher))
        }
        sink.close()
        close(pipe.write)
        let lines = reader.finish()
        #expect(lines.count { $0.hasSuffix("handling connection from 203.0.113.9:1") } == 1000)
        // A window may have ended in between.
        #expect((20...40).contains(lines.count { $0.contains("cannot accept") }))
    }

    @Test("A full disk loses lines, counts them, and is left alone for a while", .enabled(if: hasFullDevice))
    func fullDisk() throws {
        let sink = try LogSink(.file("/dev/full"))
        sink.record(try LogProbe.event(0))
        let deadline = ContinuousClock.now + .seconds(10)
        while sink.droppedLines == 0, ContinuousClock.now < deadline { usleep(1000) }
        let failedAt = ContinuousClock.now
        for number in 1..<50 { sink.record(try LogProbe.event(number)) }
        usleep(50_000)
        let dropped = sink.droppedLines
        // A machine that stood still for longer than the back-off proves nothing.
        if ContinuousClock.now - failedAt < .milliseconds(900) { #expect(dropped == 1) }
        #expect(sink.close())
        #expect(sink.droppedLines == 50)
    }

    @Test("A reader that has gone ends neither the program nor the writer")
    func brokenPipe() throws {
        let pipe = try LogProbe.pipe()
        close(pipe.read)
        let sink = try LogSink(.descriptor(pipe.write))
        for number in 0..<10 { sink.record(try LogProbe.event(number)) }
        #expect(sink.close())
        #expect(sink.droppedLines == 10)
        close(pipe.write)
    }

    @Test("Lines after the end are no trap, and closing twice is closing once")
    func afterClose() throws {
        let pipe = try LogProbe.pipe()
        let sink = try LogSink(.descriptor(pipe.write))
        sink.record(try LogProbe.event(1))
        #expect(sink.close())
        sink.record(try LogProbe.event(2))
        sink.log(.error, "late")
        sink.reopen()
        #expect(!sink.flush())
        #expect(sink.close())
        close(pipe.write)
        #expect(LogProbe.readToEnd(pipe.read).split(separator: UInt8(ascii: "\n")).count == 1)
        close(pipe.read)
    }

    @Test("Levels below the least are not written")
    func levels() throws {
        let pipe = try LogProbe.pipe()
        let sink = try LogSink(.descriptor(pipe.write), minimum: .error)
        sink.record(try LogProbe.event(1))
        sink.log(.warning, "unseen")
        sink.log(.error, "seen")
        sink.close()
        close(pipe.write)
        let lines = LogProbe.readToEnd(pipe.read).split(separator: UInt8(ascii: "\n"))
        #expect(lines.count == 1)
        close(pipe.read)
    }

    @Test("The journal is recognised by its socket, not by a variable that was inherited")
    func journal() throws {
        var status = stat()
        try #require(fstat(2, &status) == 0)
        #expect(LogSink.isJournal(stream: "\(status.st_dev):\(status.st_ino)"))
        #expect(!LogSink.isJournal(stream: "\(status.st_dev):\(status.st_ino + 1)"))
        #expect(!LogSink.isJournal(stream: nil))
        #expect(!LogSink.isJournal(stream: "1:1", descriptor: -1))
    }

    @Test("swift-log's metadata become fields, sorted, the innermost first choice")
    func handler() throws {
        let pipe = try LogProbe.pipe()
        let sink = try LogSink(.descriptor(pipe.write), format: .logfmt, isJournal: true)
        var logger = Logger(label: "test") { _ in SinkLogHandler(sink) }
        logger[metadataKey: "b"] = "outer"
        logger[metadataKey: "a"] = "1"
        logger.notice("started", metadata: ["b": "in\nner", "c": ["x", "y"]])
        logger.debug("unseen")
        logger.critical("stopped")
        sink.close()
        close(pipe.write)
        let expected = """
            <6>level=info msg=started a=1 b="in\\\\x0aner" c="[\\"x\\", \\"y\\"]"
            <3>level=error msg=stopped a=1 b=outer

            """
        #expect(String(decoding: LogProbe.readToEnd(pipe.read), as: UTF8.self) == expected)
        close(pipe.read)
    }

    private static var hasFullDevice: Bool { access("/dev/full", W_OK) == 0 }
}
