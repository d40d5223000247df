// One open file of a log that is followed, under whatever name it goes by now.
//
// Only whole lines move its position; a torn one is read again with its rest. Each read begins with the bytes before the
// position: if those are others than they were, the file has been cut, and perhaps written anew, since.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

final class FollowedFile {
    enum Chunk {
        /// So many bytes have been gone through; if they fill the buffer, there is likely more.
        case read(Int, fillsBuffer: Bool)
        /// The file is not the one any more that was read up to here.
        case cut
        case failed(CInt)
    }

    /// What a copy ends in, which goes on in the next file: nothing, or a line's beginning.
    struct Torn {
        var bytes: [UInt8] = []
        var isTooLong = false
        /// Where it stands.
        var position: LogPosition
        let copy: FollowedFile
    }

    let descriptor: CInt
    let identity: FileIdentity
    /// What `copytruncate` has left of another: nobody writes to it, and its last line goes on in that one.
    let isCopy: Bool
    /// Behind the last whole line. A copy goes by the identity of what it was made from: that is where one has to look first.
    private(set) var whole: LogPosition
    private var splitter = LineSplitter()
    /// How far a line has been skipped that is too long.
    private var skipped: LogPosition?
    /// What the first line goes on from, until it has been read, and what a copy has of its last line.
    private(set) var torn: Torn?
    private var rest: [UInt8] = []

    /// Has given lines since the owner looked.
    var isBusy = false
    var quietSince: ContinuousClock.Instant?
    /// To be let go when it has been read to its end.
    var isLeaving = false
    /// Whether it was told that it cannot be read.
    var hasFailed = false
    var watch: CInt?

    init(_ descriptor: CInt, _ identity: FileIdentity, at position: LogPosition? = nil, isCopy: Bool = false) {
        self.descriptor = descriptor
        self.identity = identity
        self.isCopy = isCopy
        isLeaving = isCopy
        whole = LogPosition(identity)
        if let position, isCopy { whole = position } else if let position { go(to: position) }
    }

    deinit { close(descriptor) }

    /// Nil while nothing of it has been read.
    var begun: LogPosition? { whole.offset > 0 ? whole : torn?.position }

    /// Where somebody had come to who read it before.
    func go(to position: LogPosition) {
        whole = LogPosition(identity, offset: position.offset, fingerprint: position.fingerprint)
    }

    /// Behind what is there now; a last line that has not ended is still to come.
    func goToEnd() {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return }
        let count = min(Int(status.st_size), LineSplitter.longestLine)
        let start = status.st_size - off_t(count)
        let last = FilePart.read(descriptor, count: count, at: start)
        if let end = last.lastIndex(of: 10) {
            whole = position(at: UInt64(start) + UInt64(end) + 1)
        } else if count == LineSplitter.longestLine {
            skipped = position(at: UInt64(status.st_size))
            splitter.isSkipping = true
        }
    }

    /// After it was cut.
    func beginAgain() {
        whole = LogPosition(identity)
        skipped = nil
        torn = nil
        splitter = LineSplitter()
    }

    /// Begins where a copy has ended. Until it has given a line, whoever starts again starts in that one.
    func join(_ torn: Torn) {
        guard whole.offset == 0 else { return }
        self.torn = torn
        if torn.isTooLong {
            skipped = LogPosition(identity)
            splitter.isSkipping = true
        }
    }

    /// What a copy has ended in; to be asked for after the last read.
    var last: Torn { Torn(bytes: rest, isTooLong: splitter.isSkipping, position: begun ?? whole, copy: self) }

    /// Reads once from where reading has come to.
    func read(_ buffer: UnsafeMutableRawBufferPointer, _ each: (RawSpan) -> Void) -> Chunk {
        let from = skipped ?? whole
        let before = from.fingerprint.count
        let joined = skipped == nil && from.offset == 0 ? torn?.bytes ?? [] : []
        buffer.copyBytes(from: joined)
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[joined.count...])
        let count = FilePart.read(descriptor, room, at: off_t(from.offset) - off_t(before))
        guard count >= 0 else { return .failed(errno) }
        guard count >= before, from.fingerprint.elementsEqual(room[..<before]) else { return .cut }
        let fresh = UnsafeRawBufferPointer(rebasing: buffer[before..<(joined.count + count)])
        let extent = splitter.split(fresh, each)
        // Bytes of the file alone, up to where lines, or a part of one that is skipped, have been used.
        let file = UnsafeRawBufferPointer(rebasing: room[..<count])
        func behind(_ used: Int) -> LogPosition {
            let end = before + used - joined.count
            return LogPosition(
                whole.file, offset: from.offset + UInt64(end - before),
                fingerprint: Array(file[max(0, end - LogPosition.fingerprintLength)..<end]))
        }
        if extent.used > 0, !splitter.isSkipping || extent.lines > 0 {
            whole = behind(splitter.isSkipping ? extent.lines : extent.used)
            torn = nil
        }
        skipped = splitter.isSkipping ? behind(extent.used) : nil
        if isCopy { rest = Array(fresh[extent.used...]) }
        if extent.lines > 0 { isBusy = true }
        return .read(count - before, fillsBuffer: count == room.count)
    }

    private func position(at offset: UInt64) -> LogPosition {
        let count = min(offset, UInt64(LogPosition.fingerprintLength))
        let bytes = FilePart.read(descriptor, count: Int(count), at: off_t(offset - count))
        return LogPosition(whole.file, offset: offset, fingerprint: bytes)
    }
}
