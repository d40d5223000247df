import SSCommon
import Testing

@Suite("Requests without an answer")
struct UnansweredTests {
    /// Asks for `targets` and waits.
    private func after(_ time: Duration, asking targets: [Int]) -> TableDriver {
        var driver = TableDriver(2)
        driver.note(.answered(after: nil), 0)
        for target in targets { driver.note(.asked(target: target), 0) }
        driver.pass(time)
        driver.look()
        return driver
    }

    @Test(
        "Several targets, each with its time, are evidence; one is not, and few are little",
        arguments: [
            (5, [1], .healthy), (3, [1, 2, 3], .healthy), (5, [1, 2, 3], .suspect), (30, [1, 2, 3, 4], .suspect),
            (12, [1, 2, 3, 4, 5], .down), (9, [1, 2, 3, 4, 5], .suspect),
            (59, Array(repeating: 1, count: 500), .healthy),
        ] as [(Int, [Int], ServerHealth.State)])
    func evidence(seconds: Int, targets: [Int], expected: ServerHealth.State) {
        let driver = after(.seconds(seconds), asking: targets)
        #expect(driver.state(0) == expected)
    }

    @Test("One target is evidence where somebody tries it again and again, but never condemns")
    func retried() {
        var driver = after(.zero, asking: [1])
        for expected in [ServerHealth.State.healthy, .suspect, .suspect, .suspect] {
            driver.pass(.seconds(3))
            driver.note(.asked(target: 1), 0)
            driver.look()
            #expect(driver.state(0) == expected)
        }
        #expect(driver.state(0) == .suspect)
    }

    @Test("One long wait does not make three new requests look old")
    func long() {
        var driver = after(.seconds(40), asking: [1])
        for target in 2...4 { driver.note(.asked(target: target), 0) }
        #expect(driver.state(0) == .healthy)
        driver.pass(.seconds(3))
        driver.look()
        #expect(driver.state(0) == .healthy)
        driver.pass(.seconds(2))
        driver.look()
        #expect(driver.state(0) == .suspect)
    }

    @Test("One answer to any of them clears the server")
    func answered() {
        var driver = after(.seconds(20), asking: [1, 2, 3, 4, 5, 6])
        #expect(driver.state(0) == .down)
        driver.note(.answered(after: .seconds(20)), 0)
        #expect(driver.state(0) == .healthy)
        driver.pass(.seconds(30))
        driver.look()
        #expect(driver.state(0) == .healthy)
    }

    @Test("What nobody waits for any more counts no more")
    func forgotten() {
        let driver = after(.seconds(61), asking: [1, 2, 3, 4, 5, 6])
        #expect(driver.state(0) == .healthy)
    }

    @Test("While nobody looks closer, requests without an answer make suspect and nothing worse")
    func quiet() {
        var driver = TableDriver(1)
        for _ in 0..<50 { driver.note(.quiet, 0) }
        #expect(driver.state(0) == .suspect)
    }
}
