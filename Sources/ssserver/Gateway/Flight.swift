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
    }

    private struct State {
        var head = Head.pending
        var end = End.open
        var interim: [HTTPResponse] = []
        var body = BlockBytes()
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

    /// Those who hold up all others read no more; whoever has asked is none of them.
    func dropLaggards() {
        let room = state.withLockedValue { state in
            for (id, reader) in state.readers where id != 0 && state.body.count - reader.position >= Self.window {
                state.readers[id] = nil
                state.lost.insert(id)
            }
            return Self.room(&state)
        }
        room?()
    }

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

    /// The next bytes of the body for `id`, at most `limit`; nil where there are no more yet.
    func read(_ id: Int, limit: Int) -> BodyPiece? {
        let (piece, room): (BodyPiece?, (@Sendable () -> Void)?) = state.withLockedValue { state in
            guard let position = state.readers[id]?.position, let piece = state.body.piece(at: position, limit: limit)
            else { return (nil, nil) }
            state.readers[id]?.position = position + piece.count
            return (piece, Self.room(&state))
        }
        room?()
        return piece
    }

    /// Whether `id` has read all there is.
    func isDrained(_ id: Int) -> Bool {
        state.withLockedValue { state in (state.readers[id]?.position ?? .max) >= state.body.count }
    }

    private static func room(_ state: inout State) -> (@Sendable () -> Void)? {
        if !state.keepsAll { state.body.drop(before: slowest(state)) }
        guard state.isStalled, canTakeMore(state) else { return nil }
        state.isStalled = false
        return state.onRoom
    }

    private static func slowest(_ state: State) -> Int {
        state.readers.values.reduce(state.body.count) { min($0, $1.position) }
    }

    private static func canTakeMore(_ state: State) -> Bool {
        state.keepsAll || state.body.count - slowest(state) < window
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
            state.body.drop(before: Self.slowest(state))
        }
    }

    /// The body is so many bytes now. Nobody is told before `announce`.
    func append(_ bytes: UnsafeRawBufferPointer, expected: Int?) -> Int {
        state.withLockedValue { state in
            state.body.append(bytes, expected: expected)
            if state.readers.isEmpty, !state.keepsAll { state.body.drop(before: state.body.count) }
            return state.body.count
        }
    }

    func announce() { change { _ in } }

    func end(_ end: End) {
        change { state in
            state.end = end
            state.onRoom = nil
            state.onIdle = nil
        }
    }

    /// All that came; empty unless all was kept.
    var body: BlockBytes { state.withLockedValue { $0.keepsAll ? $0.body : BlockBytes() } }

    private func change(_ body: (inout State) -> Void) {
        let readers = state.withLockedValue { state in
            body(&state)
            var waking: [Reader] = []
            for (id, reader) in state.readers where !reader.isWaking {
                state.readers[id]?.isWaking = true
                waking.append(reader)
            }
            return waking
        }
        for reader in readers {
            if reader.loop.inEventLoop { reader.wake() } else { reader.loop.execute(reader.wake) }
        }
    }
}
