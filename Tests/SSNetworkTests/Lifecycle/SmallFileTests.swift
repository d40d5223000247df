import SSNetwork
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Small files")
struct SmallFileTests {
    private func temporary(_ bytes: [UInt8], mode: mode_t = 0o600) -> String {
        var name = Array("/tmp/small-file-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        fchmod(descriptor, mode)
        close(descriptor)
        return String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test("A file is read whole, up to its limit", arguments: [0, 1, 65_535, 65_536, 65_537, 200_000])
    func whole(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let path = temporary(bytes)
        defer { unlink(path) }
        #expect(try SmallFile(path, limit: count).bytes == bytes)
        if count > 0 { #expect(throws: SmallFile.Failure.self) { try SmallFile(path, limit: count - 1) } }
    }

    @Test("Who may read it besides the owner is seen", arguments: [(0o600, false), (0o640, true), (0o604, true)])
    func modes(mode: mode_t, isOpen: Bool) throws {
        let path = temporary([1], mode: mode)
        defer { unlink(path) }
        #expect(try SmallFile(path, limit: 10).isOpenToOthers == isOpen)
    }

    @Test("What cannot be read is said in words", arguments: ["/nonexistent", "/tmp", "/dev/zero"])
    func failures(path: String) {
        do throws(SmallFile.Failure) {
            _ = try SmallFile(path, limit: 1000)
            Issue.record("read")
        } catch {
            #expect(
                ["there is no such file", "it is a directory", "it is larger than 1000 bytes"].contains("\(error)"))
            #expect(!error.help.isEmpty)
        }
    }

    @Test("A pipe that is written into later is waited for")
    func pipe() async throws {
        let path = "/tmp/small-file-\(getpid())-fifo"
        unlink(path)
        #expect(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        // A writer that is there before the reader, and writes after it.
        let keeper = open(path, O_RDWR)
        let writer = Task.detached {
            let descriptor = open(path, O_WRONLY)
            usleep(200_000)
            _ = write(descriptor, "secret\n", 7)
            close(descriptor)
            close(keeper)
        }
        let file = try SmallFile(path, limit: 100)
        await writer.value
        #expect(file.bytes == Array("secret\n".utf8))
    }
}
