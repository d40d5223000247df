import Testing

@testable import ssserver

@Suite("Lines out of bytes")
struct LineSplitterTests {
    /// Gives `bytes` in pieces, keeping what is not used, as readers do.
    private func lines(_ bytes: [UInt8], pieces: Int) -> [String] {
        var splitter = LineSplitter()
        var lines: [String] = []
        var kept: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            kept += bytes[start..<min(start + pieces, bytes.count)]
            let used = kept.withUnsafeBytes { buffer in
                splitter.split(buffer) { line in
                    lines.append(line.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
                }.used
            }
            kept.removeFirst(used)
            #expect(kept.count <= LineSplitter.longestLine)
        }
        return lines
    }

    @Test("Whole lines come without their ends, however the bytes are cut up; a torn one does not", arguments: 1...9)
    func pieces(size: Int) {
        #expect(lines(Array("one\n\ntwo\r\nthree\nfo".utf8), pieces: size) == ["one", "", "two\r", "three"])
    }

    @Test(
        "A line of 64 KiB is one; a longer one is skipped to its end",
        arguments: [1000, 65_535, 65_536, 65_537, 200_000])
    func long(size: Int) {
        func line(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x61, count: count) + [10] }
        let bytes = Array("before\n".utf8) + line(65_536) + line(65_537) + line(150_000) + Array("behind\n".utf8)
        #expect(lines(bytes, pieces: size).map(\.utf8.count) == [6, 65_536, 6])
    }

    @Test("NULs before a line are no part of it, be they many", arguments: [1, 7, 70_000, 300_000])
    func holes(size: Int) {
        let bytes = [UInt8](repeating: 0, count: 200_000) + Array("one\n\0\0two\nth\0ree\n".utf8)
        #expect(lines(bytes, pieces: size) == ["one", "two", "th\0ree"])
    }
}
