// Whether the cache keeps the right objects: hit ratios of its queues, of LRU and of SIEVE (Zhang and others, NSDI 2024), all with
// the same room in bytes, on requests that are made up and the same in every run.
import SSServerCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

func benchmarkEviction() {
    print("trace".padded(to: 34) + "cache   " + "objects: S3-FIFO    LRU  SIEVE   " + "bytes: S3-FIFO    LRU  SIEVE")
    for trace in [
        Trace("Zipf 0.8", exponent: 0.8), Trace("Zipf 1.0", exponent: 1), Trace("Zipf 1.2", exponent: 1.2),
        Trace("Zipf 1.0, others take over", exponent: 1, news: 0.1),
        Trace("Zipf 1.0, 30 % asked for once", exponent: 1, scan: .once),
        Trace("Zipf 1.0, 30 % a loop", exponent: 1, scan: .loop),
    ] {
        for percent in [1, 5, 10] {
            let capacity = trace.byteCount / 100 * percent
            let ratios = [
                hitRatios(QueuesCache(capacity: capacity, trace), trace),
                hitRatios(LRUCache(capacity: capacity, trace), trace),
                hitRatios(SIEVECache(capacity: capacity, trace), trace),
            ]
            print(
                trace.name.padded(to: 34) + "\(percent) %".leftPadded(to: 5) + ratios[0].objects.leftPadded(to: 19)
                    + ratios[1].objects.leftPadded(to: 7) + ratios[2].objects.leftPadded(to: 7)
                    + ratios[0].bytes.leftPadded(to: 17) + ratios[1].bytes.leftPadded(to: 7)
                    + ratios[2].bytes.leftPadded(to: 7))
        }
    }
}

// MARK: Requests

private struct Trace {
    enum Scan {
        case none
        /// Each object is asked for once.
        case once
        /// The same objects one after another, again and again.
        case loop
    }

    private static let popular = 100_000
    private static let loop = 20_000
    private static let length = 1_000_000

    let name: String
    /// Numbers of objects.
    private(set) var requests: [Int32] = []
    /// Bytes, by number.
    private(set) var sizes: [Int] = []
    /// Of all objects that are asked for.
    private(set) var byteCount = 0

    /// Of popular objects by Zipf's law, `news` a request giving way to a new one, and of a scan among them.
    init(_ name: String, exponent: Double, news: Double = 0, scan: Scan = .none) {
        self.name = name
        var random = Seeded()
        let zipf = Zipf(Self.popular, exponent)
        var popular = (0..<Int32(Self.popular)).map { $0 }
        var count = Int32(Self.popular)
        let loop = count..<count + Int32(Self.loop)
        if scan == .loop { count = loop.upperBound }
        var scanned = 0
        for _ in 0..<Self.length {
            if news > 0, Double.random(in: 0..<1, using: &random) < news {
                popular[Int.random(in: popular.indices, using: &random)] = count
                count += 1
            }
            guard scan != .none, Double.random(in: 0..<1, using: &random) < 0.3 else {
                requests.append(popular[zipf.next(&random)])
                continue
            }
            switch scan {
            case .none: break
            case .once:
                requests.append(count)
                count += 1
            case .loop: requests.append(loop.lowerBound + Int32(scanned % Self.loop))
            }
            scanned += 1
        }
        sizes = (0..<count).map { _ in Self.size(&random) }
        byteCount = Set(requests).reduce(0) { $0 + sizes[Int($1)] }
    }

    /// Bytes as the web's are spread: half of them less than ten kilobytes, few of them nearly all of the sum.
    private static func size(_ random: inout Seeded) -> Int {
        let (a, b) = (
            Double.random(in: .leastNonzeroMagnitude..<1, using: &random), Double.random(in: 0..<1, using: &random)
        )
        let normal = sqrt(-2 * log(a)) * cos(2 * .pi * b)
        return Int(min(max(10_000 * exp(1.5 * normal), 100), 5_000_000))
    }
}

/// Numbers from 0 on, each as often as its rank to the power of minus the exponent.
private struct Zipf {
    private var sums: [Double] = []

    init(_ count: Int, _ exponent: Double) {
        var sum = 0.0
        for rank in 1...count {
            sum += pow(Double(rank), -exponent)
            sums.append(sum)
        }
    }

    func next(_ random: inout Seeded) -> Int {
        let value = Double.random(in: 0..<sums[sums.count - 1], using: &random)
        var (low, high) = (0, sums.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] > value { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// SplitMix64.
private struct Seeded: RandomNumberGenerator {
    private var state: UInt64 = 1

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

// MARK: Caches

private protocol SimulatedCache {
    /// Whether it was in; it is from now on.
    mutating func request(_ object: Int) -> Bool
}

/// In percent, with a tenth.
private func hitRatios(_ cache: consuming some SimulatedCache, _ trace: Trace) -> (objects: String, bytes: String) {
    var (hits, hitBytes, bytes) = (0, 0, 0)
    // What fills the cache at first says nothing about who has to go.
    let warmUp = trace.requests.count / 5
    for (index, object) in trace.requests.enumerated() {
        let isHit = cache.request(Int(object))
        guard index >= warmUp else { continue }
        let size = trace.sizes[Int(object)]
        bytes += size
        if isHit { (hits, hitBytes) = (hits + 1, hitBytes + size) }
    }
    return (percent(hits, of: trace.requests.count - warmUp), percent(hitBytes, of: bytes))
}

private func percent(_ part: Int, of whole: Int) -> String {
    let tenths = (part * 1000 + whole / 2) / whole
    return "\(tenths / 10).\(tenths % 10)"
}

private struct QueuesCache: SimulatedCache {
    private let sizes: [Int]
    private var queues: EvictionQueues
    /// By object.
    private var slots: [EvictionQueues.Slot?]
    /// Objects by slot.
    private var objects: [Int] = []
    private var evicted: [EvictionQueues.Slot] = []

    init(capacity: Int, _ trace: Trace) {
        sizes = trace.sizes
        queues = EvictionQueues(capacity: capacity)
        slots = Array(repeating: nil, count: sizes.count)
    }

    mutating func request(_ object: Int) -> Bool {
        if let slot = slots[object] {
            queues.touch(slot)
            return true
        }
        evicted.removeAll(keepingCapacity: true)
        guard let slot = queues.insert(hash: UInt64(object), size: sizes[object], evicted: &evicted) else {
            return false
        }
        for slot in evicted { slots[objects[Int(slot)]] = nil }
        if Int(slot) == objects.count { objects.append(object) } else { objects[Int(slot)] = object }
        slots[object] = slot
        return false
    }
}

/// Objects in the order in which they came.
private struct Chain {
    private(set) var newest: Int?
    private(set) var oldest: Int?
    /// By object.
    private(set) var newer: [Int?]
    private var older: [Int?]

    init(_ count: Int) {
        newer = Array(repeating: nil, count: count)
        older = newer
    }

    mutating func append(_ object: Int) {
        older[object] = newest
        newer[object] = nil
        if let newest { newer[newest] = object } else { oldest = object }
        newest = object
    }

    mutating func remove(_ object: Int) {
        if let next = newer[object] { older[next] = older[object] } else { newest = older[object] }
        if let next = older[object] { newer[next] = newer[object] } else { oldest = newer[object] }
    }
}

private struct LRUCache: SimulatedCache {
    private let capacity: Int
    private let sizes: [Int]
    private var chain: Chain
    private var isIn: [Bool]
    private var byteCount = 0

    init(capacity: Int, _ trace: Trace) {
        self.capacity = capacity
        sizes = trace.sizes
        chain = Chain(sizes.count)
        isIn = Array(repeating: false, count: sizes.count)
    }

    mutating func request(_ object: Int) -> Bool {
        guard !isIn[object] else {
            chain.remove(object)
            chain.append(object)
            return true
        }
        guard sizes[object] <= capacity else { return false }
        while byteCount > capacity - sizes[object], let oldest = chain.oldest {
            chain.remove(oldest)
            isIn[oldest] = false
            byteCount -= sizes[oldest]
        }
        chain.append(object)
        isIn[object] = true
        byteCount += sizes[object]
        return false
    }
}

private struct SIEVECache: SimulatedCache {
    private let capacity: Int
    private let sizes: [Int]
    private var chain: Chain
    private var isIn: [Bool]
    private var wasAsked: [Bool]
    private var hand: Int?
    private var byteCount = 0

    init(capacity: Int, _ trace: Trace) {
        self.capacity = capacity
        sizes = trace.sizes
        chain = Chain(sizes.count)
        isIn = Array(repeating: false, count: sizes.count)
        wasAsked = isIn
    }

    mutating func request(_ object: Int) -> Bool {
        guard !isIn[object] else {
            wasAsked[object] = true
            return true
        }
        guard sizes[object] <= capacity else { return false }
        while byteCount > capacity - sizes[object] { evict() }
        chain.append(object)
        isIn[object] = true
        byteCount += sizes[object]
        return false
    }

    /// The hand goes from old to new and stays where it was when something goes.
    private mutating func evict() {
        while let object = hand ?? chain.oldest {
            hand = chain.newer[object]
            guard !wasAsked[object] else {
                wasAsked[object] = false
                continue
            }
            chain.remove(object)
            isIn[object] = false
            byteCount -= sizes[object]
            return
        }
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String { String(repeating: " ", count: max(1, width - count)) + self }
}
