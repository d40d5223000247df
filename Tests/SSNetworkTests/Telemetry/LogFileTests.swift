import Dispatch
import SSCommon
import Testing

@testable import SSNetwork

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("The log's file", .serialized)
struct LogFileTests {
    @Test("A new log is its owner's alone, an old one is appended to")
    func creation() throws {
        let directory = try LogProbe.directory()
        defer { LogProbe.remove(directory, ["log"]) }
        let path = directory + "/log"
        for number in 0..<2 {
            let sink = try LogSink(.file(path))
            sink.record(try LogProbe.event(number))
            #expect(sink.close())
        }
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(LogProbe.read(path).split(separator: "\n").count == 2)
    }

    @Test("A file that cannot be opened is an error that says why")
    func failure() throws {
        let error = #expect(throws: LogFileError.self) { try LogSink(.file("/nonexistent/log")) }
        #expect(error?.description == "cannot open the log /nonexistent/log: No such file or directory")
    }

    @Test("A FIFO without a reader is an error, not a hang")
    func fifo() throws {
        let directory = try LogProbe.directory()
        defer { LogProbe.remove(directory, ["fifo"]) }
        try #require(mkfifo(directory + "/fifo", 0o600) == 0)
        #expect(throws: LogFileError.self) { try LogSink(.file(directory + "/fifo")) }
    }

    @Test("Rotations by renaming lose no line")
    func rotation() throws {
        let directory = try LogProbe.directory()
        let path = directory + "/log"
        let names = (0..<10).map { "log.\($0)" }
        defer { LogProbe.remove(directory, names + ["log"]) }
        let sink = try LogSink(.file(path))
        for round in names.indices {
            for number in 0..<200 { sink.record(try LogProbe.event(round * 200 + number)) }
            #expect(rename(path, "\(directory)/\(names[round])") == 0)
            sink.reopen()
            #expect(sink.flush())
        }
        sink.record(try LogProbe.event(2000))
        #expect(sink.close())
        let files = (names + ["log"]).map { LogProbe.read("\(directory)/\($0)").split(separator: "\n") }
        #expect(files.last?.count == 1)
        let numbers = files.joined().compactMap {
            $0.split(separator: " host").last?.split(separator: ".").first.flatMap { Int($0) }
        }
        #expect(numbers == Array(0...2000))
    }

    @Test("A file that cannot be opened anew is reported in the old one, which goes on")
    func failedReopen() throws {
        let directory = try LogProbe.directory()
        let moved = directory + "-moved"
        defer { LogProbe.remove(moved, ["log"]) }
        let sink = try LogSink(.file(directory + "/log"))
        try #require(rename(directory, moved) == 0)
        sink.reopen()
        #expect(sink.flush())
        sink.record(try LogProbe.event(7))
        #expect(sink.close())
        let text = LogProbe.read(moved + "/log")
        #expect(text.contains("ERROR    cannot reopen the log error=\"cannot open the log \(directory)/log: "))
        #expect(text.contains("connecting host7."))
    }

    @Test("A line that was cut short by a full pipe is ended before the next begins")
    func tornLine() throws {
        let pipe = try LogProbe.pipe()
        defer { close(pipe.read) }
        _ = fcntl(pipe.write, F_SETFL, O_NONBLOCK)
        var file = LogFile(descriptor: pipe.write)
        let line = Array((String(repeating: "x", count: 99_998) + "y\n").utf8)
        #expect(file.write(line + line) { false } == 2)
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(pipe.read, &chunk, chunk.count)
        #expect(count > 0 && chunk[count - 1] == UInt8(ascii: "x"))
        #expect(file.write(Array("whole\n".utf8)) { false } == 0)
        let rest = read(pipe.read, &chunk, chunk.count)
        #expect(chunk[..<rest] == Array("\nwhole\n".utf8)[...])
        close(pipe.write)
    }

    @Test("A descriptor that is not ready is waited for without spinning")
    func waiting() throws {
        let pipe = try LogProbe.pipe()
        defer { _ = (close(pipe.read), close(pipe.write)) }
        _ = fcntl(pipe.write, F_SETFL, O_NONBLOCK)
        var file = LogFile(descriptor: pipe.write)
        var looks = 0
        let took = ContinuousClock().measure {
            let lost = file.write([UInt8](repeating: UInt8(ascii: "\n"), count: 1 << 20)) {
                looks += 1
                return looks < 4
            }
            #expect(lost > 0)
        }
        #expect(took > .milliseconds(250))
    }
}
