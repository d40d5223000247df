// An origin's answer on its way, and those who wait for it: one question for everybody who asks the same at the same time
// (collapsed forwarding). Whoever reads does so at their own pace and on their own loop; what is not to be kept is let go
// once all have read it, and nothing is fetched far ahead of the slowest of them.
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

/// Why there is no answer.
enum FlightFailure: Hashable, Sendable {
    case dial(DialError)
    /// The origin closed, or said nothing for too long, before its answer's head was there.
    case noAnswer
    /// What it said is no HTTP that can be passed on.
    case badAnswer(HTTPFault)
}

final class Flight: Sendable {
    enum Head: Sendable {
        case pending
        /// Its body comes here.
        case answered(HTTPResponse)
        /// It is no HTTP: what comes is passed on as it is.
        case raw
        /// What is kept is the answer: the origin has said that it is still good, or cannot be had.
        case kept(StoredResponse)
        case failed(FlightFailure)
    }

    enum End: Sendable {
        case open
        case whole(trailers: HTTPHead?)
        /// What came is not all.
        case broken
    }

    /// What a reader finds.
    struct View: Sendable {
        var head: Head
        var end: End
        /// Interim answers that this reader has not seen.
        var interim: [HTTPResponse]
        /// Whether others than the first may go on reading.
        var isShared: Bool
        var variant: VariantKey?
        var status: CacheStatus
        /// Where the answer comes from.
        var origin: IPAddress?
    }

    private struct Reader {
        let loop: any EventLoop
        let wake: @Sendable () -> Void
        var position = 0
        var isWaking = false
        /// It has read all there is.
        var isWaiting = true
    }

    /// What a reader reads next.
    enum Next {
        case piece(BodyPiece)
        /// It lies on disk, from this byte on.
        case onDisk(DiskSpool, Int)
        case nothing
    }

    /// A body that is too large for memory: in a file up to `written`, and in memory what follows and a little before.
    private struct Spooling {
        let spool: DiskSpool
        var written = 0
        var isWriting = false
        /// To be called once all of it is there and written, or cannot be.
        var whenWhole: (@Sendable (DiskSpool) -> Void)?

        /// Whether more of it is to be written.
        var goesOn: Bool { !spool.isBroken }
    }

    private struct State {
        var head = Head.pending
        var end = End.open
        var interim: [HTTPResponse] = []
        var body = BlockBytes()
        var spooling: Spooling?
        var readers: [Int: Reader] = [:]
        /// 0 is who has asked, and nobody where it is only a refresh.
        var nextReader = 1
        var isShared: Bool
        var origin: IPAddress?
        /// Whether all of the body stays until the end, to be kept then.
        var keepsAll = false
        var variant: VariantKey?
        var status: CacheStatus
        var onRoom: (@Sendable () -> Void)?
        var onIdle: (@Sendable () -> Void)?
        var isStalled = false
        /// Readers that were too slow.
        var lost: Set<Int> = []
    }

    /// How far the origin is read ahead of the slowest reader where nothing is kept.
    static let window = 64 * 1024
    /// Of a body that goes to disk, so much stays in memory for those who are not far behind.
    private static let tail = 1 << 20
    /// So much of it may wait to be written.
    private static let unwritten = 4 << 20
    /// So much is written before others have the thread.
    private static let turn = 1 << 20

    private let state: NIOLockedValueBox<State>
    private let held = NIOLockedValueBox<HeldObject?>(nil)

    /// `@unchecked Sendable`: it is only ever let go.
    private struct HeldObject: @unchecked Sendable { let object: AnyObject }

    /// Whether nobody waits for it who has asked.
    private let isRefresh: Bool

    init(isShared: Bool, isRefresh: Bool = false, _ reason: ForwardReason) {
        self.isRefresh = isRefresh
        state = NIOLockedValueBox(State(isShared: isShared, status: CacheStatus(.forwarded(reason))))
    }

    // MARK: Readers

    /// `wake` is called on `loop` whenever there is something new, and may be called for nothing. Nil if one cannot join any
    /// more. Only who has asked for it `leads`.
    func join(_ loop: any EventLoop, leads: Bool = false, wake: @escaping @Sendable () -> Void) -> Int? {
        state.withLockedValue { state in
            if leads {
                state.readers[0] = Reader(loop: loop, wake: wake)
                return 0
            } else {
                guard state.isShared else { return nil }
                switch state.head {
                case .pending: break
                case .answered: if !state.keepsAll { return nil }
                case .raw, .kept, .failed: return nil
                }
            }
            let id = state.nextReader
            state.nextReader += 1
            state.readers[id] = Reader(loop: loop, wake: wake)
            return id
        }
    }

    /// The reader wants no more. If nobody does, the rest need not be fetched.
    func leave(_ id: Int) {
        let call = state.withLockedValue { state in
            state.readers[id] = nil
            return isUnwanted(state) ? state.onIdle : Self.room(&state)
        }
        call?()
    }

    /// Whether nobody reads, and what is there is not worth fetching the rest for.
    var isUnwanted: Bool { state.withLockedValue { isUnwanted($0) } }

    private func isUnwanted(_ state: State) -> Bool {
        guard state.readers.isEmpty, case .open = state.end else { return false }
        if isRefresh, case .pending = state.head { return false }
        return !(state.keepsAll && (isRefresh || Self.isNearlyThere(state)))
    }

    var hasReaders: Bool { state.withLockedValue { !$0.readers.isEmpty } }

    /// Those who hold up all others read no more; whoever has asked is none of them. Where a disk does, it is not written to any
    /// more.
    func dropLaggards() {
        let room = state.withLockedValue { state in
            if let spooling = state.spooling, spooling.goesOn {
                spooling.spool.stop()
                return Self.room(&state)
            }
            for (id, reader) in state.readers where id != 0 && state.body.count - reader.position >= Self.window {
                state.readers[id] = nil
                state.lost.insert(id)
            }
            return Self.room(&state)
        }
        room?()
    }

    // MARK: Disk

    /// What is there and what comes goes to disk, and is in memory only for a while.
    func spill(to spool: DiskSpool) {
        held.withLockedValue { $0 = nil }
        state.withLockedValue { $0.spooling = Spooling(spool: spool) }
    }

    /// Has what is there written, unless that is being done.
    func writeMore(on disk: DiskStore) {
        let mustBegin = state.withLockedValue { state in
            guard let spooling = state.spooling, !spooling.isWriting, Self.toWrite(state) != nil else { return false }
            state.spooling?.isWriting = true
            return true
        }
        if mustBegin { write(on: disk) }
    }

    /// All is there: what is missing is written, and then `done` called.
    func completeSpool(on disk: DiskStore, _ done: @escaping @Sendable (DiskSpool) -> Void) {
        let mustBegin = state.withLockedValue { state in
            state.spooling?.whenWhole = done
            defer { state.spooling?.isWriting = true }
            return state.spooling?.isWriting == false
        }
        if mustBegin { write(on: disk) }
    }

    /// Whole blocks, and the rest once all is there.
    private static func toWrite(_ state: State) -> (DiskSpool, BlockBytes, Range<Int>)? {
        guard let spooling = state.spooling, spooling.goesOn else { return nil }
        let count = min(state.body.count - spooling.written, turn)
        let whole = count / DiskRecord.blockSize * DiskRecord.blockSize
        let isLast = spooling.whenWhole != nil && spooling.written + count == state.body.count
        let end = spooling.written + (isLast ? count : whole)
        return end > spooling.written ? (spooling.spool, state.body, spooling.written..<end) : nil
    }

    private func write(on disk: DiskStore) {
        disk.submit { [self] isActive in
            if let (spool, body, range) = state.withLockedValue({ Self.toWrite($0) }) {
                let isWritten = isActive && spool.write(body, range)
                if !isWritten { spool.stop() }
                let room = state.withLockedValue { state in
                    if isWritten { state.spooling?.written = range.upperBound }
                    return Self.room(&state)
                }
                room?()
            }
            let (goesOn, whole): (Bool, (() -> Void)?) = state.withLockedValue { state in
                if Self.toWrite(state) != nil { return (true, nil) }
                state.spooling?.isWriting = false
                guard let spooling = state.spooling, let done = spooling.whenWhole else { return (false, nil) }
                state.spooling?.whenWhole = nil
                return (false, { done(spooling.spool) })
            }
            if goesOn { write(on: disk) }
            whole?()
        }
    }

    // MARK: What readers see

    /// Half of it is there, or little is missing: then it is fetched to the end and kept.
    private static func isNearlyThere(_ state: State) -> Bool {
        guard case .answered(let response) = state.head, case .length(let length) = response.framing,
            state.body.count > 0
        else { return false }
        let left = Int(clamping: length) - state.body.count
        return left <= window || left <= state.body.count
    }

    /// `id` sees what it has not seen.
    func view(_ id: Int) -> View {
        state.withLockedValue { state in
            state.readers[id]?.isWaking = false
            let view = View(
                head: state.head, end: state.lost.contains(id) ? .broken : state.end,
                interim: id == 0 ? state.interim : [], isShared: id == 0 || state.isShared, variant: state.variant,
                status: state.status, origin: state.origin)
            if id == 0 { state.interim = [] }
            return view
        }
    }

    /// The next bytes of the body for `id`, at most `limit`; counted as read if they are in memory.
    func read(_ id: Int, limit: Int) -> Next {
        let (next, room): (Next, (@Sendable () -> Void)?) = state.withLockedValue { state in
            guard let position = state.readers[id]?.position else { return (.nothing, nil) }
            guard let piece = state.body.piece(at: position, limit: limit) else {
                if let spooling = state.spooling, position < spooling.written {
                    return (.onDisk(spooling.spool, position), nil)
                }
                state.readers[id]?.isWaiting = true
                return (.nothing, nil)
            }
            state.readers[id]?.position = position + piece.count
            return (.piece(piece), Self.room(&state))
        }
        room?()
        return next
    }

    /// `id` has read so many bytes from disk.
    func hasRead(_ id: Int, _ count: Int) {
        let room = state.withLockedValue { state in
            state.readers[id]?.position += count
            return Self.room(&state)
        }
        room?()
    }

    /// What `id` would read next cannot be had.
    func lose(_ id: Int) {
        let call = state.withLockedValue { state in
            state.lost.insert(id)
            state.readers[id] = nil
            return isUnwanted(state) ? state.onIdle : Self.room(&state)
        }
        call?()
    }

    /// How it ends for `id`; nil while there is something to be read. What `view` did not show yet is left for the next time.
    func end(for id: Int, _ view: View) -> End? {
        state.withLockedValue { state in
            guard let position = state.readers[id]?.position else { return .broken }
            return position >= state.body.count ? view.end : nil
        }
    }

    private static func room(_ state: inout State) -> (@Sendable () -> Void)? {
        letGo(&state)
        guard state.isStalled, canTakeMore(state) else { return nil }
        state.isStalled = false
        return state.onRoom
    }

    /// Lets go of what nobody reads from memory any more.
    private static func letGo(_ state: inout State) {
        if let spooling = state.spooling, spooling.goesOn {
            state.body.drop(before: min(spooling.written, state.body.count - tail))
        } else if !state.keepsAll {
            state.body.drop(before: slowest(state))
        }
    }

    /// Up to where all have read what is only in memory.
    private static func slowest(_ state: State) -> Int {
        let written = state.spooling?.written ?? 0
        return state.readers.values.reduce(state.body.count) { min($0, max($1.position, written)) }
    }

    private static func canTakeMore(_ state: State) -> Bool {
        if let spooling = state.spooling, spooling.goesOn { return state.body.count - spooling.written < unwritten }
        return state.keepsAll || state.body.count - slowest(state) < window
    }

    // MARK: Whoever fetches

    /// Where the answer will come from.
    func comes(from origin: IPAddress?) { state.withLockedValue { $0.origin = origin } }

    /// `body` is called, on no loop in particular, when there is room again.
    func onRoom(_ body: @escaping @Sendable () -> Void) { state.withLockedValue { $0.onRoom = body } }

    /// `body` is called, on no loop in particular, when nobody wants the answer any more.
    func onIdle(_ body: @escaping @Sendable () -> Void) { state.withLockedValue { $0.onIdle = body } }

    /// False lets the origin wait until there is room.
    var canTakeMore: Bool {
        state.withLockedValue { state in
            let can = Self.canTakeMore(state)
            state.isStalled = !can
            return can
        }
    }

    func interim(_ response: HTTPResponse) { change { $0.interim.append(response) } }

    /// The head is there. `keepsAll` if the body is to be kept, `isShared` if those who wait may read it too.
    func answered(
        _ response: HTTPResponse, keepsAll: Bool, isShared: Bool, _ variant: VariantKey?, _ status: CacheStatus
    ) {
        change { state in
            state.head = .answered(response)
            state.keepsAll = keepsAll
            state.variant = variant
            state.status = status
            if !isShared { state.isShared = false }
        }
    }

    func answeredRaw() {
        change { state in
            state.head = .raw
            state.isShared = false
        }
    }

    /// `isShared` if those who wait may have it too.
    func answered(by stored: StoredResponse, isShared: Bool, _ status: CacheStatus) {
        change { state in
            if !isShared { state.isShared = false }
            state.onRoom = nil
            state.onIdle = nil
            state.head = .kept(stored)
            state.status = status
            state.end = .whole(trailers: nil)
        }
    }

    func fail(_ failure: FlightFailure) {
        change { state in
            switch state.head {
            case .pending: state.head = .failed(failure)
            case .answered, .raw, .kept, .failed: break
            }
            if case .open = state.end { state.end = .broken }
            state.onRoom = nil
            state.onIdle = nil
            if state.readers.isEmpty { state.body = BlockBytes() }
        }
    }

    /// `object` lives as long as anybody may read.
    func hold(_ object: AnyObject) { held.withLockedValue { $0 = HeldObject(object: object) } }

    /// It is not to be kept after all; those who read go on.
    func keepNoMore() {
        held.withLockedValue { $0 = nil }
        change { state in
            state.keepsAll = false
            state.isShared = false
            state.spooling?.spool.stop()
            Self.letGo(&state)
        }
    }

    /// The body is so many bytes now. Nobody is told before `announce`.
    func append(_ bytes: UnsafeRawBufferPointer, expected: Int?) -> Int {
        state.withLockedValue { state in
            state.body.append(bytes, expected: expected)
            Self.letGo(&state)
            return state.body.count
        }
    }

    func announce() { change(all: false) { _ in } }

    func end(_ end: End) {
        change { state in
            state.end = end
            state.onRoom = nil
            state.onIdle = nil
        }
    }

    /// All that came; empty unless all was kept in memory.
    var body: BlockBytes { state.withLockedValue { $0.keepsAll && $0.spooling == nil ? $0.body : BlockBytes() } }

    /// Tells `all` readers, or those who wait for more of the body.
    private func change(all: Bool = true, _ body: (inout State) -> Void) {
        let readers = state.withLockedValue { state in
            body(&state)
            var waking: [Reader] = []
            for (id, reader) in state.readers where !reader.isWaking && (all || reader.isWaiting) {
                state.readers[id]?.isWaking = true
                state.readers[id]?.isWaiting = false
                waking.append(reader)
            }
            return waking
        }
        for reader in readers {
            if reader.loop.inEventLoop { reader.wake() } else { reader.loop.execute(reader.wake) }
        }
    }
}
