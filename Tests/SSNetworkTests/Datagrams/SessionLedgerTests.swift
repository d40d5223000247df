import Glibc
import SSCommon
import Testing

@testable import SSNetwork

@Suite("Sessions in a file")
struct SessionLedgerTests {
    @Test func `what a session took is known to the next run, and nothing further`() throws {
        try inDirectory { (path) throws in
            do {
                let ledger = try ledger(path)
                let entry = try #require(ledger.begin(7, now: 1000))
                for packet: UInt64 in 0...9 { entry.record(packet, now: 1000 + packet) }
                #expect(ledger.recall(7, now: 1000) == nil, "this run knows its sessions itself")
            }
            let next = try ledger(path)
            #expect(next.recall(7, now: 1009) == 9)
            #expect(next.recall(7, now: 1069) == 9)
            #expect(next.recall(7, now: 1070) == nil, "its packets are refused for their time by now")
            #expect(next.recall(8, now: 1009) == nil)
        }
    }

    @Test func `a fast session writes ahead by a few packets, and never falls behind`() throws {
        try inDirectory { (path) throws in
            let ledger = try ledger(path)
            let entry = try #require(ledger.begin(7, now: 1000))
            for packet: UInt64 in 0..<5000 {
                entry.record(packet, now: 1000)
                // What a killed server leaves behind at this moment.
                guard packet % 97 == 0 else { continue }
                let reached = try #require(try self.ledger(path).recall(7, now: 1000))
                #expect(reached >= packet && reached < packet + SessionEntry.longestStep)
            }
            entry.record(5100, now: 1001)
            #expect(try self.ledger(path).recall(7, now: 1001) == 5100, "slow again")
        }
    }

    @Test func `packets out of order and the last number of all are kept`() throws {
        try inDirectory { (path) throws in
            let ledger = try ledger(path)
            let entry = try #require(ledger.begin(7, now: 1000))
            entry.record(50, now: 1000)
            entry.record(3, now: 1001)
            #expect(try self.ledger(path).recall(7, now: 1001) == 50)
            for _ in 0..<3 { entry.record(.max - 1, now: 1001) }
            entry.record(.max, now: 1001)
            #expect(try self.ledger(path).recall(7, now: 1001) == .max)
        }
    }

    @Test func `a slot is free a minute after its session, and not before`() throws {
        try inDirectory { (path) throws in
            let ledger = try SessionLedger(path, slots: 2) { _ in }
            var first: SessionEntry? = ledger.begin(1, now: 1000)
            first?.record(0, now: 1000)
            let second = ledger.begin(2, now: 1000)
            #expect(first != nil && second != nil)
            #expect(ledger.begin(3, now: 9999) == nil)
            first = nil
            #expect(ledger.begin(3, now: 1060) == nil)
            let third = ledger.begin(3, now: 1061)
            #expect(third != nil)
            #expect(ledger.begin(4, now: 1061) == nil)
        }
    }

    @Test func `a run does not overwrite what an earlier one left a moment ago`() throws {
        try inDirectory { (path) throws in
            do {
                let ledger = try SessionLedger(path, slots: 2) { _ in }
                ledger.begin(1, now: 1000)?.record(5, now: 1000)
                ledger.begin(2, now: 1000)?.record(6, now: 1000)
            }
            let next = try SessionLedger(path, slots: 2) { _ in }
            #expect(next.begin(3, now: 1001) == nil, "full: refused rather than forgotten")
            #expect(next.recall(1, now: 1001) == 5 && next.recall(2, now: 1001) == 6)
            #expect(next.begin(3, now: 1061) != nil)
        }
    }

    @Test func `the file is the owner's, and what is no such file is begun anew`() throws {
        try inDirectory { (path) throws in
            let garbage = Sodium.random(1000)
            let descriptor = open(path, O_CREAT | O_WRONLY, 0o600)
            _ = write(descriptor, garbage, garbage.count)
            close(descriptor)
            do {
                let ledger = try ledger(path)
                ledger.begin(1, now: 1000)?.record(5, now: 1000)
            }
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
            #expect(try ledger(path).recall(1, now: 1000) == 5)
            // Cut in the middle of a slot.
            #expect(truncate(path, 24 + 11) == 0)
            #expect(try ledger(path).recall(1, now: 1000) == nil)
        }
    }

    @Test func `a directory that is not there is told`() {
        #expect(throws: SessionLedger.Failure.self) { try SessionLedger("/nowhere/at/all") { _ in } }
    }

    private func ledger(_ path: String) throws -> SessionLedger { try SessionLedger(path, slots: 64) { _ in } }

    private func inDirectory(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/ss-sessions-XXXXXX".utf8CString)
        let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            unlink(directory + "/sessions")
            rmdir(directory)
        }
        try body(directory + "/sessions")
    }
}
