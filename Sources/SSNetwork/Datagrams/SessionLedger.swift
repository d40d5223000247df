// Which datagram sessions of SIP022 there are and how far their packets have come, in a file: a server that was killed and
// started again takes none of them twice. A session's slot says up to which packet everything counts as seen. Of a slow
// session that is the last packet; a fast one writes ahead, a few packets at a time, and loses as many if the server is
// killed.
internal import NIOConcurrencyHelpers
package import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

package final class SessionLedger: Sendable {
    /// Why it cannot be kept, in words for a person.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// A datagram's header is refused when it is older, so a session that was quiet for longer needs no slot.
    fileprivate static let memory = 2 * HeaderTime.tolerance
    /// session (8) | packet (8) | time (8)
    private static let slotLength = 24
    /// The first slot's place says what file this is.
    private static let magic = [UInt8]("SSSESSIONS".utf8) + [UInt8](repeating: 0, count: slotLength - 11) + [1]

    private struct State {
        /// When each slot was last written; `.max` while its session is alive.
        var times: [UnixSeconds]
        var cursor = 0
        var hasFailed = false
    }

    private let descriptor: CInt
    private let known: [UInt64: (packet: UInt64, time: UnixSeconds)]
    private let state: NIOLockedValueBox<State>
    private let onFailure: @Sendable (Failure) -> Void

    /// Opens or makes `path`, with room for so many `slots`. A file that is something else is begun anew. What cannot be
    /// written later is told to `onFailure` once.
    package init(
        _ path: String, slots: Int = 65_536, onFailure: @escaping @Sendable (Failure) -> Void
    ) throws(Failure) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
        self.onFailure = onFailure
        var known: [UInt64: (packet: UInt64, time: UnixSeconds)] = [:]
        var times = [UnixSeconds](repeating: 0, count: slots)
        let bytes = Self.read(descriptor, (slots + 1) * Self.slotLength)
        if bytes.starts(with: Self.magic) {
            for slot in 0..<min(slots, bytes.count / Self.slotLength - 1) {
                let start = (slot + 1) * Self.slotLength
                let words = (0..<3).map { word in
                    bytes[(start + 8 * word)..<(start + 8 * word + 8)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                }
                guard words[2] > 0 else { continue }
                times[slot] = words[2]
                known[words[0]] = (max(words[1], known[words[0]]?.packet ?? 0), words[2])
            }
        } else {
            guard ftruncate(descriptor, 0) == 0, Self.write(descriptor, Self.magic, at: 0) else {
                let failure = Self.failure("write", path)
                close(descriptor)
                throw failure
            }
        }
        // A clock that was set back meanwhile must not make old headers good again.
        if let latest = known.values.map(\.time).max() { WallClock.system.hasShown(latest) }
        self.known = known
        state = NIOLockedValueBox(State(times: times))
    }

    deinit { close(descriptor) }

    /// Up to which packet a session of an earlier run of the program has come; nil if it is not known, or so old that its
    /// packets are refused anyway.
    package func recall(_ session: UInt64, now: UnixSeconds) -> UInt64? {
        guard let entry = known[session], entry.time + Self.memory >= now else { return nil }
        return entry.packet
    }

    /// A slot for a new session; nil if all are taken, or were until a moment ago.
    package func begin(_ session: UInt64, now: UnixSeconds) -> SessionEntry? {
        let slot: Int? = state.withLockedValue { state in
            for step in 0..<state.times.count {
                let slot = (state.cursor + step) % state.times.count
                guard state.times[slot] != .max, state.times[slot] + Self.memory < now else { continue }
                state.times[slot] = .max
                state.cursor = (slot + 1) % state.times.count
                return slot
            }
            return nil
        }
        return slot.map { SessionEntry(self, $0, session) }
    }

    fileprivate func end(_ slot: Int, at time: UnixSeconds) {
        state.withLockedValue { $0.times[slot] = time }
    }

    fileprivate func write(_ slot: Int, _ session: UInt64, upTo packet: UInt64, at time: UnixSeconds) {
        var bytes: [UInt8] = []
        for word in [session, packet, time] { withUnsafeBytes(of: word.bigEndian) { bytes += $0 } }
        guard !Self.write(descriptor, bytes, at: (slot + 1) * Self.slotLength) else { return }
        let failure = Self.failure("write", "the sessions")
        let isFirst = state.withLockedValue { state in
            defer { state.hasFailed = true }
            return !state.hasFailed
        }
        if isFirst { onFailure(failure) }
    }

    // MARK: The file

    private static func failure(_ call: String, _ path: String) -> Failure {
        Failure(description: "\(call) \(path): \(String(cString: strerror(errno)))")
    }

    private static func read(_ descriptor: CInt, _ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = pread(descriptor, buffer.baseAddress! + filled, count - filled, off_t(filled))
                if got < 0, errno == EINTR { continue }
                if got <= 0 { break }
                filled += got
            }
        }
    }

    private static func write(_ descriptor: CInt, _ bytes: [UInt8], at offset: Int) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress! + done, bytes.count - done, off_t(offset + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }
}

/// A session's slot; it becomes free a minute after the session has gone. Only ever touched on the session's loop.
package final class SessionEntry {
    /// How many packets a session writes ahead at most.
    static let longestStep: UInt64 = 64

    private let ledger: SessionLedger
    private let slot: Int
    private let session: UInt64
    private var written: (packet: UInt64, time: UnixSeconds)?
    private var step: UInt64 = 1

    fileprivate init(_ ledger: SessionLedger, _ slot: Int, _ session: UInt64) {
        self.ledger = ledger
        self.slot = slot
        self.session = session
    }

    deinit { ledger.end(slot, at: written?.time ?? 0) }

    /// `packet` was taken at `now`. It is in the file when this returns.
    package func record(_ packet: UInt64, now: UnixSeconds) {
        if let written {
            // The time in the slot must not fall behind the packets' by more than its tolerance allows.
            guard packet > written.packet || now > written.time else { return }
            step = now > written.time ? 1 : min(step * 2, Self.longestStep)
        }
        let ahead = packet.addingReportingOverflow(step - 1)
        let reached = max(written?.packet ?? 0, ahead.overflow ? .max : ahead.partialValue)
        ledger.write(slot, session, upTo: reached, at: now)
        written = (reached, now)
    }
}
