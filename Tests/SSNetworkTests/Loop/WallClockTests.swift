import NIOConcurrencyHelpers
import SSCommon
import Testing

@testable import SSNetwork

@Suite("The time of day")
struct WallClockTests {
    @Test("It follows steps forward and small ones back, and stands still for larger ones until they are made up")
    func steps() {
        let time = NIOLockedValueBox<UnixSeconds>(1_000_000)
        let clock = WallClock { time.withLockedValue { $0 } }
        for (set, shown, lag) in [
            (1_000_000, 1_000_000, 0), (1_000_300, 1_000_300, 0), (1_000_270, 1_000_270, 0),
            (1_000_269, 1_000_300, 31), (1_000_000, 1_000_300, 300), (1_000_269, 1_000_300, 31),
            (1_000_270, 1_000_270, 0), (1_000_301, 1_000_301, 0), (0, 1_000_301, 1_000_301),
        ] as [(UnixSeconds, UnixSeconds, UInt64)] {
            time.withLockedValue { $0 = set }
            #expect(clock.now() == shown, "set to \(set)")
            #expect(clock.lag == lag, "set to \(set)")
        }
    }

    @Test("The machine's clock shows this century")
    func system() {
        #expect(WallClock.now() > 1_700_000_000)
        #expect(WallClock.system.lag == 0)
    }
}
