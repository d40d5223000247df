import SSCommon
import Testing

@Suite("Which server is used")
struct ServerTableTests {
    @Test("While nothing is known the user's order counts")
    func order() {
        var driver = TableDriver(3)
        #expect(driver.choose() == [0, 1, 2])
        #expect(driver.state(0) == .unknown)
        #expect(driver.state(7) == nil)
    }

    @Test("One connection that does not come up makes a server suspect, and the next one is used at once")
    func leave() {
        var driver = TableDriver(3)
        driver.note(.answered(after: nil), 0)
        driver.note(.notConnected, 0)
        #expect(driver.state(0) == .suspect)
        #expect(driver.choose() == [1, 2, 0])
        driver.note(.notConnected, 0)
        #expect(driver.state(0) == .down)
    }

    @Test("A server that let wait while another took the connection is suspect until it connects again")
    func stalled() {
        var driver = TableDriver(2)
        driver.note(.answered(after: nil), 0)
        driver.note(.stalled, 0)
        #expect(driver.choose() == [1, 0])
        driver.note(.connected(after: .milliseconds(80)), 0)
        #expect(driver.state(0) == .healthy)
    }

    @Test("Who is back is used again, but not before it has worked for a while")
    func back() {
        var driver = TableDriver(2)
        driver.note(.notConnected, 0)
        driver.note(.answered(after: .milliseconds(50)), 1)
        driver.note(.answered(after: .milliseconds(50)), 0)
        #expect(driver.choose(for: .seconds(29)) == 1)
        #expect(driver.choose(for: .seconds(2)) == 0)
    }

    @Test("Who falls often is trusted later each time")
    func falls() {
        var driver = TableDriver(2)
        var waits: [Int] = []
        for _ in 0..<3 {
            driver.note(.notConnected, 0)
            #expect(driver.choose()[0] == 1)
            driver.note(.answered(after: nil), 1)
            driver.note(.answered(after: nil), 0)
            var wait = 0
            while driver.choose(for: .seconds(1)) != 0 { wait += 1 }
            waits.append(wait)
        }
        #expect(waits[0] < 35 && waits[1] > 55 && waits[2] > 110)
        // An hour later that is forgotten.
        driver.note(.notConnected, 0)
        driver.note(.answered(after: nil), 1)
        driver.pass(.seconds(3700))
        driver.note(.answered(after: nil), 0)
        #expect(driver.choose(for: .seconds(32)) == 0)
    }

    @Test("A little faster is no reason to change, clearly faster for a while is")
    func faster() {
        var driver = TableDriver(2)
        for _ in 0..<5 {
            driver.note(.answered(after: .milliseconds(100)), 0)
            driver.note(.answered(after: .milliseconds(70)), 1)
        }
        #expect(driver.choose(for: .seconds(300)) == 0)
        for _ in 0..<20 { driver.note(.answered(after: .milliseconds(20)), 1) }
        #expect(driver.choose(for: .seconds(20)) == 0)
        // Not better for a moment: the wait begins anew.
        for _ in 0..<20 { driver.note(.answered(after: .milliseconds(30)), 0) }
        #expect(driver.choose(for: .seconds(20)) == 0)
        for _ in 0..<60 { driver.note(.answered(after: .milliseconds(400)), 0) }
        #expect(driver.choose(for: .seconds(25)) == 0)
        #expect(driver.choose(for: .seconds(10)) == 1)
    }

    @Test("Times are compared only where all have them, and of one kind")
    func kinds() {
        var driver = TableDriver(2)
        driver.note(.answered(after: .milliseconds(900)), 0)
        driver.note(.answered(after: nil), 1)
        #expect(driver.choose(for: .seconds(60)) == 0)
        driver.note(.connected(after: .milliseconds(300)), 0)
        driver.note(.connected(after: .milliseconds(20)), 1)
        #expect(driver.choose(for: .seconds(60)) == 1)
    }

    @Test("When all fail, the one in use stays, and the first that answers is used at once")
    func allDown() {
        var driver = TableDriver(3)
        _ = driver.choose()
        for id in 0..<3 {
            driver.note(.notConnected, id)
            driver.note(.notConnected, id)
        }
        let isAllDown = driver.table.isAllDown
        #expect(isAllDown)
        let order = driver.choose()
        #expect(Set(order) == [0, 1, 2])
        #expect(driver.choose(for: .seconds(30)) == order[0])
        driver.note(.answered(after: nil), 2)
        #expect(driver.choose()[0] == 2)
        // The network was the cause: the others are given another chance.
        #expect(driver.state(0) == .suspect)
        #expect(driver.state(1) == .suspect)
    }

    @Test("An answer that is not authentic condemns at once")
    func refused() {
        var driver = TableDriver(2)
        driver.note(.answered(after: nil), 0)
        driver.note(.answerRefused, 0)
        #expect(driver.state(0) == .down)
        // That it takes connections does not help it.
        driver.note(.connected(after: .milliseconds(1)), 0)
        #expect(driver.state(0) == .down)
    }

    @Test("A missing network is weak evidence")
    func noRoute() {
        var driver = TableDriver(2)
        for _ in 0..<3 { driver.note(.noRoute, 0) }
        #expect(driver.state(0) == .suspect)
        driver.note(.noRoute, 0)
        #expect(driver.state(0) == .down)
    }

    @Test("A check that gets no answer makes suspect, a second one condemns, and a connection alone takes back little")
    func checks() {
        var driver = TableDriver(2)
        driver.note(.answered(after: nil), 1)
        driver.note(.checkUnanswered, 1)
        #expect(driver.state(1) == .suspect)
        driver.note(.checkUnanswered, 1)
        #expect(driver.state(1) == .down)
        driver.note(.checkConnected(after: .milliseconds(1)), 1)
        #expect(driver.state(1) == .suspect)
        for _ in 0..<3 { driver.note(.checkConnected(after: .milliseconds(1)), 1) }
        // It was down, so it has to prove itself again.
        #expect(driver.state(1) == .unknown)
    }

    @Test("One server is always used, whatever it does")
    func single() {
        var driver = TableDriver(1)
        for _ in 0..<10 { driver.note(.notConnected, 0) }
        #expect(driver.choose() == [0])
        #expect(driver.state(0) == .down)
        driver.use()
        #expect(driver.checks(for: .seconds(3600), isUsed: true).isEmpty)
    }

    @Test("A request is tried on four servers at most")
    func limit() {
        var driver = TableDriver(50)
        #expect(driver.choose() == [0, 1, 2, 3])
    }

    @Test("Servers that are no use for a request are left out, unless none is of use")
    func usable() {
        var driver = TableDriver(3)
        #expect(driver.table.choose(now: driver.now) { $0 != 0 } == [1, 2])
        #expect(driver.table.choose(now: driver.now) { _ in false } == [0, 1, 2])
        // The one in use is another matter.
        #expect(driver.table.current == 0)
    }

    @Test("A datagram's answer says nothing about connections")
    func datagrams() {
        var driver = TableDriver(1)
        driver.note(.checkUnanswered, 0)
        driver.note(.datagramAnswered, 0)
        #expect(driver.state(0) == .unknown)
        driver.note(.notConnected, 0)
        driver.note(.datagramAnswered, 0)
        #expect(driver.state(0) == .suspect)
    }

    @Test("Another list: who is in both keeps its state and its place, the rest is forgotten")
    func replace() {
        var driver = TableDriver(3)
        driver.note(.notConnected, 0)
        driver.note(.answered(after: .milliseconds(5)), 1)
        #expect(driver.choose()[0] == 1)
        driver.table.replace(with: [9, 1, 0], now: driver.now, random: &driver.random)
        #expect(driver.choose() == [1, 9, 0])
        #expect(driver.state(1) == .healthy)
        #expect(driver.state(0) == .suspect)
        #expect(driver.state(2) == nil)
        // Of a server that has left nothing is taken in.
        driver.note(.answered(after: nil), 2)
        driver.table.replace(with: [4], now: driver.now, random: &driver.random)
        #expect(driver.choose() == [4])
    }

    @Test("The table as it is shown")
    func entries() {
        var driver = TableDriver(2)
        driver.note(.connected(after: .milliseconds(10)), 0)
        driver.note(.answered(after: .milliseconds(40)), 0)
        driver.note(.notConnected, 1)
        let entries = driver.table.entries
        #expect(entries.map(\.id) == [0, 1])
        #expect(entries.map(\.isInUse) == [true, false])
        #expect(entries.map(\.state) == [.healthy, .suspect])
        #expect(entries[0].answer == .milliseconds(40) && entries[0].handshake == .milliseconds(10))
        #expect(entries[0].lastAnswer == driver.now && entries[0].failures == 0)
        #expect(entries[1].failures == 1 && entries[1].nextCheck ?? driver.now > driver.now)
        #expect(entries.map(\.state.word) == ["ok", "suspect"])
    }

    @Test(
        "Whatever happens in whatever order: a choice is never empty, never a stranger, never the same twice",
        arguments: 1...60)
    func anything(seed: Int) {
        var driver = TableDriver(1 + seed % 5, seed: UInt64(seed))
        var ids = Array(0..<(1 + seed % 5))
        var next = 100
        for _ in 0..<2000 {
            let id =
                Bool.random(using: &driver.random)
                ? ids.randomElement(using: &driver.random)! : Int.random(in: 0..<120, using: &driver.random)
            switch Int.random(in: 0..<16, using: &driver.random) {
            case 0: driver.note(.connected(after: .milliseconds(Int.random(in: 0..<20_000, using: &driver.random))), id)
            case 1: driver.note(.notConnected, id)
            case 2: driver.note(.noRoute, id)
            case 3: driver.note(.stalled, id)
            case 4: driver.note(.asked(target: Int.random(in: 0..<20, using: &driver.random)), id)
            case 5: driver.note(.answered(after: .milliseconds(Int.random(in: -5..<9000, using: &driver.random))), id)
            case 6: driver.note(.answerRefused, id)
            case 7: driver.note(.checkUnanswered, id)
            case 8: driver.note(.checkConnected(after: .milliseconds(3)), id)
            case 9: driver.note(Bool.random(using: &driver.random) ? .quiet : .datagramAnswered, id)
            case 10: driver.look()
            case 11: driver.use()
            case 12:
                let due = driver.checksDue()
                #expect(due.count <= 2 && due.allSatisfy(ids.contains))
                if Bool.random(using: &driver.random) { due.forEach { driver.checkEnded($0) } }
            case 13: driver.table.tryAllAgain(now: driver.now, random: &driver.random)
            case 14 where Int.random(in: 0..<10, using: &driver.random) == 0:
                ids = Array(Set(ids.filter { _ in Bool.random(using: &driver.random) } + [next])).shuffled(
                    using: &driver.random)
                next += 1
                driver.table.replace(with: ids, now: driver.now, random: &driver.random)
            default: driver.pass(.milliseconds(Int.random(in: 0..<60_000, using: &driver.random)))
            }
            let choice = driver.choose()
            #expect(!choice.isEmpty && choice.count <= 4)
            #expect(Set(choice).count == choice.count && choice.allSatisfy(ids.contains))
            let entries = driver.table.entries
            #expect(entries.map(\.id) == ids && entries.filter(\.isInUse).map(\.id) == [choice[0]])
            // Nobody who is down is used while another is not.
            if driver.state(choice[0]) == .down { #expect(ids.allSatisfy { driver.state($0) == .down }) }
        }
    }
}
