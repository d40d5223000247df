import SSCommon
import Testing

@Suite("When the command for unreachable servers runs")
struct UnreachableAlarmTests {
    private var now = ContinuousClock.now

    /// The seconds of its runs, while streams fail every `period` for `time`.
    private func runs(
        _ alarm: inout UnreachableAlarm, from start: ContinuousClock.Instant, for time: Int, every period: Int = 1
    )
        -> [Int]
    {
        var runs: [Int] = []
        for second in 0..<time {
            let now = start + .seconds(second)
            if second % period == 0 { alarm.failed(now: now) }
            if alarm.isDue(isAllDown: true, now: now) { runs.append(second) }
        }
        return runs
    }

    @Test("After fifteen seconds of failures, then after 5, 10, 20, 40 and 60 minutes")
    func times() {
        var alarm = UnreachableAlarm()
        let minutes = [0, 5, 15, 35, 75, 135, 195]
        #expect(runs(&alarm, from: now, for: 12_000) == minutes.map { $0 * 60 + 15 })
    }

    @Test("Not while a server works, nor for one failure long ago, nor while nobody uses it")
    func never() {
        var alarm = UnreachableAlarm()
        for second in 0..<100 {
            alarm.failed(now: now + .seconds(second))
            let isDue = alarm.isDue(isAllDown: false, now: now + .seconds(second))
            #expect(!isDue)
        }
        var other = UnreachableAlarm()
        other.failed(now: now)
        let isDueLater = other.isDue(isAllDown: true, now: now + .seconds(60))
        #expect(!isDueLater)
        #expect(runs(&other, from: now + .seconds(100), for: 1000, every: 400) == [])
    }

    @Test("Between a success and the next run lie fifteen seconds, and five minutes since the last")
    func worked() {
        var alarm = UnreachableAlarm()
        #expect(runs(&alarm, from: now, for: 20) == [15])
        alarm.worked()
        #expect(runs(&alarm, from: now + .seconds(20), for: 600) == [295, 595])
        alarm.worked()
        // The pause begins short again.
        #expect(runs(&alarm, from: now + .seconds(2000), for: 400) == [15, 315])
    }

    @Test("Not while a server takes requests and ends them in good order: it can be reached")
    func reached() {
        var alarm = UnreachableAlarm()
        for second in 0..<100 {
            alarm.failed(now: now + .seconds(second))
            if second % 10 == 0 { alarm.reached() }
            let isDue = alarm.isDue(isAllDown: true, now: now + .seconds(second))
            #expect(!isDue)
        }
        alarm.reached()
        // And once it does no more, after the usual time; how often it has run before is not forgotten.
        #expect(runs(&alarm, from: now + .seconds(100), for: 20) == [15])
    }
}
