// Times a piece of work: the median of several runs, each long enough for the clock.

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

struct Stopwatch {
    let filter: String?

    /// Seconds of one execution of `work`, the median of five runs of at least 0.1 s.
    func seconds(_ work: () -> Void) -> Double {
        let clock = ContinuousClock()
        var repetitions = 1
        while true {
            let elapsed = clock.measure { for _ in 0..<repetitions { work() } }
            if elapsed > .milliseconds(100) { break }
            repetitions *= elapsed < .milliseconds(5) ? 10 : 2
        }
        let runs = (0..<5).map { _ in
            clock.measure { for _ in 0..<repetitions { work() } } / repetitions
        }
        let median = runs.sorted()[2].components
        return Double(median.seconds) + Double(median.attoseconds) * 1e-18
    }

    /// Measures and prints one line, unless the filter leaves it out. `bytes` are those of one execution.
    func report(_ name: String, bytes: Int? = nil, _ work: () -> Void) {
        if let filter, !name.contains(filter) { return }
        let seconds = seconds(work)
        var line = name.padded(to: 48) + "\(rounded(seconds * 1e9)) ns".padded(to: 16)
        if let bytes {
            let speed = Double(bytes) / seconds
            line += speed < 1e9 ? "\(rounded(speed / 1e6)) MB/s" : "\(rounded(speed / 1e9, digits: 2)) GB/s"
        }
        print(line)
    }

    private var threadNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Measures each of `count` executions and prints the slowest, in processor time, so that a busy machine does not
    /// count.
    func reportSlowest(_ name: String, of count: Int, _ work: () -> Void) {
        if let filter, !name.contains(filter) { return }
        var slowest: UInt64 = 0
        for _ in 0..<count {
            let began = threadNanoseconds
            work()
            slowest = max(slowest, threadNanoseconds - began)
        }
        print(name.padded(to: 48) + "\(slowest) ns")
    }

    /// With `digits` decimals, in integers: there is no `round` without the C library's mathematics.
    private func rounded(_ value: Double, digits: Int = 0) -> String {
        guard digits > 0 else { return "\(Int(value + 0.5))" }
        let hundredths = Int(value * 100 + 0.5)
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }
}

extension String {
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}
