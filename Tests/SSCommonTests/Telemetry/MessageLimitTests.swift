import SSCommon
import Testing

@Suite("The limit on repeated messages")
struct MessageLimitTests {
    @Test("A few lines pass in a window, the rest is counted and told with the next")
    func window() {
        var limit = MessageLimit()
        for _ in 0..<MessageLimit.linesPerWindow {
            #expect(limit.judge("a", now: 100) == .write(heldBack: 0))
        }
        for _ in 0..<7 { #expect(limit.judge("a", now: 109) == .holdBack) }
        #expect(limit.judge("b", now: 109) == .write(heldBack: 0))
        #expect(limit.judge("a", now: 110) == .write(heldBack: 7))
        #expect(limit.judge("a", now: 110) == .write(heldBack: 0))
    }

    @Test("A clock that steps back opens a new window instead of closing the old one for ever")
    func clockBack() {
        var limit = MessageLimit()
        for _ in 0..<100 { _ = limit.judge("a", now: 1_000_000) }
        #expect(limit.judge("a", now: 5) == .write(heldBack: 80))
    }

    @Test("Messages without end do not use memory without end, and still pass")
    func bounded() {
        var limit = MessageLimit()
        for number in 0..<10_000 { #expect(limit.judge("m\(number)", now: 0) == .write(heldBack: 0)) }
    }
}
