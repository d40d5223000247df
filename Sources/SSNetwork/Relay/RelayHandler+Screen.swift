// A relay's end under a screen: what comes is looked at before it goes on, and what is refused is answered.
internal import NIOCore

extension RelayHandler {
    /// Has `screen` look at what comes before it is passed on. Before the link.
    package func setScreen(_ screen: any StreamScreen) {
        self.screen = screen
    }

    /// There will be no other end; `screen` waits for what the peer says first, to answer it, for a moment.
    package func decline(answeringBy screen: any StreamScreen) {
        guard case .unlinked = phase, let context else { return }
        self.screen = screen
        phase = .answering
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.answeringTime) { self.declineUnanswered() }
        releaseRead()
        if let early = early.take() { answer(early) }
        if isInputEnded { declineUnanswered() }
    }

    func declineUnanswered() {
        guard case .answering = phase else { return }
        phase = .unlinked
        screen = nil
        held = nil
        decline()
    }

    func answer(_ buffer: ByteBuffer) {
        var all = held.take() ?? ByteBuffer()
        all.writeImmutableBuffer(buffer)
        switch screen?.look(at: all.readableBytesSpan) {
        case .pass where all.readableBytes < Self.maximumEarly:
            held = all
        case .refuse(_, let answer?):
            send(answer)
            flush()
            declineUnanswered()
        case .pass, .passAll, .refuse, nil:
            declineUnanswered()
        }
    }

    /// What the screen lets pass goes on.
    func passOn(_ buffer: ByteBuffer) {
        guard let screen else {
            partner?.send(buffer)
            return
        }
        var all = buffer
        if var kept = held.take() {
            kept.writeImmutableBuffer(buffer)
            all = kept
        }
        switch screen.look(at: all.readableBytesSpan) {
        case .pass(let count):
            if let passed = all.readSlice(length: count), count > 0 { partner?.send(passed) }
            if all.readableBytes > 0 { held = all }
        case .passAll:
            self.screen = nil
            partner?.send(all)
        case .refuse(let count, let answer):
            if let passed = all.readSlice(length: count), count > 0 { partner?.send(passed) }
            refuse(answer)
        }
    }

    /// The end has come: what was kept back goes on, or nothing does.
    func passHeld() {
        guard let screen, let held = held.take() else { return }
        if screen.mayPassAtEnd() { partner?.send(held) } else { refuse(nil) }
        self.screen = nil
    }

    /// What was asked for is refused: the other end is closed, and this one's peer is told so.
    func refuse(_ answer: ByteBuffer?) {
        screen = nil
        guard case .relaying = phase, let context else { return }
        phase = .discarding
        let other = partner.take()
        other?.flush()
        other?.partner = nil
        other?.close()
        let channel = context.channel
        farewell = context.eventLoop.scheduleTask(in: Self.farewellTime) { channel.close(promise: nil) }
        if let answer {
            send(answer)
            flush()
        }
        endOutput()
        releaseRead()
    }
}
