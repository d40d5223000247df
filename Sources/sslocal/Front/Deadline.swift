// One deadline that is moved often and fires rarely: moving it costs no allocation, because the scheduled task
// looks again when it wakes up early. Lives on one event loop.
import NIOCore

final class Deadline {
    private let eventLoop: any EventLoop
    private var due: NIODeadline?
    private var action: (() -> Void)?
    private var wakeUp: (task: Scheduled<Void>, at: NIODeadline)?

    init(on eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Replaces whatever was set; `action` runs once, on the event loop.
    func set(_ delay: TimeAmount, _ action: @escaping () -> Void) {
        let due = eventLoop.now + delay
        self.due = due
        self.action = action
        if let wakeUp, wakeUp.at <= due { return }
        wakeUp?.task.cancel()
        schedule(at: due)
    }

    func clear() {
        due = nil
        action = nil
        wakeUp?.task.cancel()
        wakeUp = nil
    }

    private func schedule(at time: NIODeadline) {
        let task = eventLoop.assumeIsolated().scheduleTask(deadline: time) { [weak self] in
            self?.wake()
            return
        }
        wakeUp = (task, time)
    }

    private func wake() {
        wakeUp = nil
        guard let due else { return }
        if eventLoop.now < due { return schedule(at: due) }
        let action = action
        clear()
        action?()
    }
}
