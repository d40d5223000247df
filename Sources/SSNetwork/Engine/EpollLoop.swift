// An event loop for Linux that costs a connection little. SwiftNIO's own spends four fifths of a short connection's
// instructions on making channels, futures and options (docs/performance.md has the figures); this one implements NIO's
// `EventLoop` and `Channel` protocols with what a relay needs, so handlers run on either. On other systems NIO's own
// loop is used.
//
// Sockets are watched edge-triggered and registered once: one system call in a socket's life instead of one for each
// change of mind about reading. A socket that has more to read than one turn takes waits in `runnable`.
#if os(Linux)
    internal import CLinux
    package import Dispatch
    internal import Glibc
    package import NIOCore
    internal import NIOConcurrencyHelpers
    internal import Synchronization

    /// One thread and what it waits for.
    ///
    /// `@unchecked Sendable`: everything mutable is confined to the loop's thread but for the locked `inbox` and
    /// `thread`, which is written before the loop is handed to anybody.
    package final class EpollLoop: EventLoop, @unchecked Sendable {
        private struct Inbox {
            var tasks: [@Sendable () -> Void] = []
            /// The loop has been told and has not looked yet.
            var isWakePending = false
            /// The thread has ended; nothing is run any more.
            var isClosed = false
        }

        private struct Slot {
            var socket: PolledSocket?
            /// Which of the sockets that used this slot an event is for.
            var generation: UInt32 = 0
        }

        private let poll: CInt
        private let wakeUp: CInt
        private let inbox = NIOLockedValueBox(Inbox())
        private var thread = pthread_t()

        private var tasks: [() -> Void] = []
        private var timers = TimerQueue()
        private var slots: [Slot] = []
        private var freeSlots: [UInt32] = []
        /// Written by the loop, read by others who look for the one with least to do.
        private let socketCount = Atomic(0)
        private var runnable: [PolledSocket] = []
        private var isStopping = false
        private var stopped: [@Sendable () -> Void] = []
        /// Tasks that go on making tasks must not keep a loop from ending.
        private static let lastRounds = 1000

        /// Where channels read that have no buffer of their own for it.
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
        /// Arrays for datagrams, made when the first is received or sent.
        private(set) lazy var datagrams = DatagramBatch()

        private static let wakeToken = UInt64.max
        private static let eventsAtOnce = 128

        /// Starts the thread.
        init(name: String) {
            poll = linux_poll_create()
            wakeUp = linux_counter_create()
            precondition(poll >= 0 && wakeUp >= 0, "no descriptors for an event loop (errno \(errno))")
            linux_poll_add(poll, wakeUp, linux_poll_in, linux_edge, Self.wakeToken)
            startThread(name)
        }

        deinit {
            Glibc.close(poll)
            Glibc.close(wakeUp)
            scratch.deallocate()
        }

        private func startThread(_ name: String) {
            let started = DispatchSemaphore(value: 0)
            let box = Unmanaged.passRetained(ThreadStart(loop: self, name: name, started: started))
            let code = pthread_create(
                &thread, nil,
                { raw in
                    // Balances `passRetained` above.
                    let start = Unmanaged<ThreadStart>.fromOpaque(raw!).takeRetainedValue()
                    start.started.wait()
                    linux_name_thread(start.name)
                    start.loop.run()
                    return nil
                }, box.toOpaque())
            precondition(code == 0, "no thread for an event loop (error \(code))")
            pthread_detach(thread)
            // Only now does the thread look at `thread`.
            started.signal()
        }

        // MARK: EventLoop

        package var inEventLoop: Bool { pthread_equal(pthread_self(), thread) != 0 }

        package func execute(_ task: @escaping @Sendable () -> Void) {
            if inEventLoop { tasks.append(task) } else { _ = send(task) }
        }

        package func _executeIsolatedUnsafeUnchecked(_ task: @escaping () -> Void) {
            tasks.append(task)
        }

        /// Runs `task` on the loop; false if that has ended.
        func send(_ task: @escaping @Sendable () -> Void) -> Bool {
            let (isTaken, mustWake) = inbox.withLockedValue { inbox in
                guard !inbox.isClosed else { return (false, false) }
                inbox.tasks.append(task)
                defer { inbox.isWakePending = true }
                return (true, !inbox.isWakePending)
            }
            if mustWake {
                var one: UInt64 = 1
                // Cannot fail: the counter never comes near its end.
                _ = write(wakeUp, &one, 8)
            }
            return isTaken
        }

        @discardableResult
        package func scheduleTask<T>(
            deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T
        ) -> Scheduled<T> {
            let promise = makePromise(of: T.self)
            let timer = NIOLoopBoundTimer(
                LoopTimer(
                    deadline.uptimeNanoseconds,
                    action: {
                        do { promise.assumeIsolatedUnsafeUnchecked().succeed(try task()) } catch { promise.fail(error) }
                    },
                    abandon: { promise.fail(EventLoopError.shutdown) }))
            if inEventLoop {
                add(timer.value)
            } else if !send({ self.add(timer.value) }) {
                promise.fail(EventLoopError.shutdown)
            }
            return Scheduled(promise: promise) {
                if self.inEventLoop {
                    self.cancel(timer.value)
                } else {
                    _ = self.send { self.cancel(timer.value) }
                }
            }
        }

        @discardableResult
        package func scheduleTask<T>(
            in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T
        ) -> Scheduled<T> {
            scheduleTask(deadline: .now() + delay, task)
        }

        private func add(_ timer: LoopTimer) {
            if isStopping { timer.giveUp() } else { timers.add(timer) }
        }

        private func cancel(_ timer: LoopTimer) {
            // Let go of here, where `timers` is nobody's.
            let freed = timers.cancel(timer)
            withExtendedLifetime(freed) {}
        }

        /// Loops end with their group.
        package func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
            queue.async { callback(EventLoopError.unsupportedOperation) }
        }

        // MARK: Sockets

        /// Watches `socket`; false if the system refuses.
        func add(_ socket: PolledSocket, _ events: UInt32, _ trigger: linux_trigger) -> Bool {
            guard !isStopping else {
                errno = ECANCELED
                return false
            }
            let index = freeSlots.popLast() ?? newSlot()
            let token = UInt64(slots[Int(index)].generation) << 32 | UInt64(index)
            guard linux_poll_add(poll, socket.descriptor, events, trigger, token) == 0 else {
                freeSlots.append(index)
                return false
            }
            slots[Int(index)].socket = socket
            socket.slot = index
            countSockets()
            return true
        }

        private func countSockets() {
            socketCount.store(slots.count - freeSlots.count, ordering: .relaxed)
        }

        /// How many sockets it watches, as of a moment ago.
        var load: Int { socketCount.load(ordering: .relaxed) }

        private func newSlot() -> UInt32 {
            slots.append(Slot())
            return UInt32(slots.count - 1)
        }

        func change(_ socket: PolledSocket, _ events: UInt32, _ trigger: linux_trigger) {
            guard let index = socket.slot else { return }
            let token = UInt64(slots[Int(index)].generation) << 32 | UInt64(index)
            linux_poll_change(poll, socket.descriptor, events, trigger, token)
        }

        /// Forgets `socket`. Closing its descriptor takes it off the system's list, unless the descriptor is shared.
        func remove(_ socket: PolledSocket, isShared: Bool = false) {
            guard let index = socket.slot.take() else { return }
            if isShared { linux_poll_remove(poll, socket.descriptor) }
            slots[Int(index)].socket = nil
            slots[Int(index)].generation &+= 1
            freeSlots.append(index)
            countSockets()
        }

        /// `socket` gets another turn before the loop waits.
        func run(later socket: PolledSocket) {
            guard !socket.isRunnable else { return }
            socket.isRunnable = true
            runnable.append(socket)
        }

        // MARK: Connecting

        /// Those that connect, with the moment they must have. One timer for all: most are done in milliseconds, and a
        /// timer of its own would cost a short connection more than the rest of connecting.
        private var connecting: [(channel: StreamChannel, deadline: UInt64)] = []
        private var isWatchingConnects = false
        private static let connectTick = TimeAmount.milliseconds(500)

        func limitConnecting(_ channel: StreamChannel, to timeout: TimeAmount) {
            channel.connectingSlot = connecting.count
            connecting.append((channel, (.now() + timeout as NIODeadline).uptimeNanoseconds))
            watchConnects()
        }

        /// Does nothing for one that has no limit.
        func endLimit(_ channel: StreamChannel) {
            guard let slot = channel.connectingSlot.take() else { return }
            let last = connecting.removeLast()
            guard last.channel !== channel else { return }
            connecting[slot] = last
            last.channel.connectingSlot = slot
        }

        private func watchConnects() {
            guard !isWatchingConnects else { return }
            isWatchingConnects = true
            add(
                LoopTimer(
                    (.now() + Self.connectTick as NIODeadline).uptimeNanoseconds,
                    action: { [unowned self] in
                        isWatchingConnects = false
                        let now = NIODeadline.now().uptimeNanoseconds
                        for late in connecting.filter({ $0.deadline <= now }) { late.channel.connectingTakesTooLong() }
                        if !connecting.isEmpty { watchConnects() }
                    }, abandon: {}))
        }

        // MARK: The loop

        private func run() {
            let events = UnsafeMutablePointer<linux_event>.allocate(capacity: Self.eventsAtOnce)
            defer { events.deallocate() }
            var rounds = 0
            while true {
                runTasks()
                if isStopping {
                    rounds += 1
                    if !hasWork || rounds > Self.lastRounds { break }
                }
                let count = linux_poll_wait(poll, events, CInt(Self.eventsAtOnce), waitingTime())
                for index in 0..<max(0, Int(count)) { dispatch(events[index]) }
                runSockets()
            }
            end()
        }

        private var hasWork: Bool { !tasks.isEmpty || !runnable.isEmpty }

        private func dispatch(_ event: linux_event) {
            guard event.token != Self.wakeToken else { return takeInbox() }
            let slot = slots[Int(UInt32(truncatingIfNeeded: event.token))]
            // It may be for one that was closed by an event before this one.
            guard slot.generation == UInt32(event.token >> 32) else { return }
            slot.socket?.ready(event.events)
        }

        private func takeInbox() {
            let received = inbox.withLockedValue { inbox in
                inbox.isWakePending = false
                defer { inbox.tasks = [] }
                return inbox.tasks
            }
            for task in received { tasks.append(task) }
        }

        private func runTasks() {
            if timers.next != nil {
                let now = NIODeadline.now().uptimeNanoseconds
                while let timer = timers.takeDue(now) { timer.run() }
            }
            guard !tasks.isEmpty else { return }
            // Tasks that these add wait until sockets have had their turn.
            let batch = tasks
            tasks = []
            for task in batch { task() }
        }

        private func runSockets() {
            guard !runnable.isEmpty else { return }
            let batch = runnable
            runnable = []
            for socket in batch {
                socket.isRunnable = false
                socket.resume()
            }
        }

        /// In milliseconds, rounded up: waking early would only mean waiting again.
        private func waitingTime() -> CInt {
            if hasWork { return 0 }
            guard let next = timers.next else { return -1 }
            let now = NIODeadline.now().uptimeNanoseconds
            return next <= now ? 0 : CInt(clamping: (next - now + 999_999) / 1_000_000)
        }

        // MARK: The end

        /// Closes every socket, runs what is left and ends the thread; then calls `done` on it.
        func stop(_ done: @escaping @Sendable () -> Void) {
            let isTaken = send {
                self.stopped.append(done)
                self.isStopping = true
                for slot in self.slots { slot.socket?.loopEnds() }
                for timer in self.timers.takeAll() { timer.giveUp() }
            }
            if !isTaken { done() }
        }

        private func end() {
            // What came in too late is let go of outside the lock: that may run any code.
            let late = inbox.withLockedValue { inbox in
                inbox.isClosed = true
                defer { inbox.tasks = [] }
                return inbox.tasks
            }
            for task in late { tasks.append(task) }
            var rounds = 0
            while !tasks.isEmpty, rounds < Self.lastRounds {
                rounds += 1
                let batch = tasks
                tasks = []
                for task in batch { task() }
            }
            tasks = []
            let done = stopped
            stopped = []
            for done in done { done() }
        }
    }

    private final class ThreadStart {
        let loop: EpollLoop
        let name: String
        let started: DispatchSemaphore

        init(loop: EpollLoop, name: String, started: DispatchSemaphore) {
            self.loop = loop
            self.name = name
            self.started = started
        }
    }

    /// Carries a timer to its loop.
    ///
    /// `@unchecked Sendable`: between its making and `add` nobody else has it, and from then on it is used on the
    /// loop only.
    private struct NIOLoopBoundTimer: @unchecked Sendable {
        let value: LoopTimer
        init(_ value: LoopTimer) { self.value = value }
    }
#endif
