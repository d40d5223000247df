// What all loops share of the cache: what is kept, what is on its way, and what was seen of both.
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

final class HTTPCache: Sendable {
    private struct Shared {
        var tier: MemoryTier
        var flights: [CacheKey: Flight] = [:]
        /// Bytes of bodies that are on their way and are to be kept.
        var growing = 0
        var refused = RefusedAnswers()
        var voids = VoidLog<CacheKey>()
    }

    /// Requests that are made for nobody who waits.
    private let background = NIOLockedValueBox(0)
    private static let maximumBackground = 64

    /// Whether there may be another one; to be given back by `endBackground`.
    func beginBackground() -> Bool {
        background.withLockedValue { count in
            guard count < Self.maximumBackground else { return false }
            count += 1
            return true
        }
    }

    func endBackground() { background.withLockedValue { $0 -= 1 } }

    private let shared: NIOLockedValueBox<Shared>
    private let settingsBox: NIOLockedValueBox<CacheSettings>
    let counters = CacheCounters()
    private let largest: NIOLockedValueBox<Int>
    /// Nil where nothing is kept on disk.
    let disk: DiskStore?

    /// Bodies of more bytes go to disk at once, others when they are asked for again.
    private static let large = 1 << 20

    init(memory: Int, maximumObject: Int, _ settings: CacheSettings, disk: DiskStore? = nil) {
        self.disk = disk
        shared = NIOLockedValueBox(Shared(tier: MemoryTier(capacity: memory)))
        settingsBox = NIOLockedValueBox(settings)
        largest = NIOLockedValueBox(Self.largest(maximumObject, in: memory, disk))
    }

    /// One object must not drive out all others.
    private static func largest(_ maximumObject: Int, in memory: Int, _ disk: DiskStore?) -> Int {
        min(maximumObject, max(disk?.largest ?? 0, memory / 4, 1))
    }

    var settings: CacheSettings { settingsBox.withLockedValue { $0 } }

    var keepsUsersApart: Bool { settingsBox.withLockedValue { $0.keepsUsersApart } }

    /// Bytes of one body.
    var maximumObject: Int { largest.withLockedValue { $0 } }

    /// Bytes of one body in memory.
    var memoryShare: Int { shared.withLockedValue { max(1, $0.tier.capacity / 4) } }

    /// Where there is a disk, larger bodies go there while they come.
    var spillSize: Int { min(memoryShare, Self.spillSize) }
    private static let spillSize = 4 << 20

    /// Another configuration's settings, for what comes from now on.
    func change(_ configuration: CacheConfiguration) {
        let memory = Int(clamping: configuration.memory)
        settingsBox.withLockedValue { $0 = CacheSettings(configuration) }
        let largest = Self.largest(Int(clamping: configuration.maxObject), in: memory, disk)
        self.largest.withLockedValue { $0 = largest }
        shared.withLockedValue { $0.tier.setCapacity(memory) }
    }

    // MARK: Asking

    func plan(_ key: CacheKey, _ request: CacheRequest, _ head: HTTPHead, now: UnixSeconds) -> CachePlan {
        shared.withLockedValue { shared in
            let plan = CachePlan(request, head, kept: shared.tier.kept(key), now: now)
            if case .serve(let stored, _, _) = plan { shared.tier.touch(stored) }
            return plan
        }
    }

    func kept(_ key: CacheKey) -> [StoredResponse] { shared.withLockedValue { $0.tier.kept(key) } }

    /// What is kept for such a request, however old.
    func match(_ key: CacheKey, _ head: HTTPHead) -> StoredResponse? {
        shared.withLockedValue { $0.tier.kept(key).last { $0.matches(head) } }
    }

    /// Whether it is worth looking on disk for what memory does not have.
    func shouldLook(_ key: CacheKey) -> Bool { disk?.mayHave(key) ?? false }

    /// What was found on disk is in memory from now on: all of it, or where it is.
    func adopt(_ found: [StoredResponse], since generation: UInt64) {
        shared.withLockedValue { shared in
            for response in found
            where !shared.voids.isVoid(response.key, since: generation)
                && !shared.tier.kept(response.key).contains(where: { $0.variant == response.variant })
            {
                shared.tier.insert(response)
            }
        }
    }

    /// It is used a second time.
    func usedAgain(_ response: StoredResponse) { if response.part == nil { disk?.write(response) } }

    /// The answer that is on its way for `key`, or `make`'s, which others may then wait for as well.
    func flight(_ key: CacheKey, now: UnixSeconds, make: () -> Flight) -> Flight {
        shared.withLockedValue { shared in
            if let flight = shared.flights[key] { return flight }
            let flight = make()
            // Where the last answer could not be kept, nobody should wait for the next one only to ask again.
            if !shared.refused.isRecent(key, now: now) { shared.flights[key] = flight }
            return flight
        }
    }

    /// Others than those who wait already ask anew.
    func landed(_ key: CacheKey, _ flight: Flight) {
        shared.withLockedValue { shared in
            if shared.flights[key] === flight { shared.flights[key] = nil }
        }
    }

    // MARK: Keeping

    /// Whether so many more bytes may be on their way to be kept. What was granted is given back.
    func reserve(_ bytes: Int) -> Bool {
        shared.withLockedValue { shared in
            guard shared.growing + bytes <= shared.tier.capacity else { return false }
            shared.growing += bytes
            return true
        }
    }

    func giveBack(_ bytes: Int) { shared.withLockedValue { $0.growing -= bytes } }

    // MARK: Making void

    /// To be asked for before anything is fetched or looked up that may be kept later.
    var generation: UInt64 { shared.withLockedValue { $0.voids.generation } }

    /// `generation` is that from before it was asked for: what has been made void since is not kept.
    func keep(_ response: StoredResponse, since generation: UInt64) {
        // One that is too large for memory's share is there only on disk.
        let limit = disk == nil ? Int.max : memoryShare
        let isKept = shared.withLockedValue { shared in
            guard !shared.voids.isVoid(response.key, since: generation) else { return false }
            shared.refused.forget(response.key)
            guard response.byteCount <= limit else {
                shared.tier.remove(response.key)
                return true
            }
            return shared.tier.insert(response)
        }
        guard isKept || response.bodyCount > Self.large else { return }
        guard !shared.withLockedValue({ $0.voids.isVoid(response.key, since: generation) }) else { return }
        counters.add(.stored)
        disk?.supersede(response)
        if response.bodyCount > Self.large, response.part == nil { disk?.write(response) }
    }

    /// What has come to disk is found there.
    func keepSpooled(_ response: StoredResponse, since generation: UInt64) {
        let isVoid = shared.withLockedValue { shared in
            guard !shared.voids.isVoid(response.key, since: generation) else { return true }
            shared.refused.forget(response.key)
            shared.tier.insert(response)
            return false
        }
        if isVoid { disk?.supersede(response) } else { counters.add(.stored) }
    }

    func replace(_ old: StoredResponse, by new: StoredResponse, since generation: UInt64) {
        shared.withLockedValue { shared in
            if !shared.voids.isVoid(old.key, since: generation) { shared.tier.replace(old, by: new) }
        }
    }

    func forget(_ response: StoredResponse) {
        shared.withLockedValue { _ = $0.tier.remove(response) }
        disk?.supersede(response)
    }

    /// All answers under a key, those that are on their way included.
    func forget(_ key: CacheKey) -> Int {
        // What is let go is let go outside the lock.
        let (count, flight) = shared.withLockedValue { shared in
            shared.voids.note(key)
            return (shared.tier.remove(key), shared.flights.removeValue(forKey: key))
        }
        withExtendedLifetime(flight) {}
        return max(count, disk?.remove(key) ?? 0)
    }

    /// For `why`, and so that nobody waits for what nobody else can use.
    func refused(_ key: CacheKey, _ reason: NotStored, now: UnixSeconds) {
        shared.withLockedValue { $0.refused.note(key, reason, now: now) }
    }

    // MARK: Showing

    struct Overview: Sendable {
        var objects: Int
        var bytes: Int
        var capacity: Int
        var evictions: UInt64
        var flights: Int
    }

    var overview: Overview {
        shared.withLockedValue { shared in
            Overview(
                objects: shared.tier.count, bytes: shared.tier.byteCount, capacity: shared.tier.capacity,
                evictions: shared.tier.evictions, flights: shared.flights.count)
        }
    }

    /// What is known of every key that `isMeant` says.
    func known(where isMeant: (CacheKey) -> Bool) -> [(key: CacheKey, kept: [StoredResponse], refused: NotStored?)] {
        // To compare thousands of them takes a while, in which nobody should wait for the lock.
        let (kept, refused) = shared.withLockedValue { ($0.tier.all, Array($0.refused.keys)) }
        let meant = Set(kept.map(\.key).filter(isMeant)).union(refused.filter(isMeant))
        return meant.map { key in
            shared.withLockedValue { (key, $0.tier.kept(key), $0.refused.reason(key)) }
        }
    }

    /// How many were forgotten: of those in memory and those on disk the larger number, since many are in both.
    func purge(where isMeant: @escaping @Sendable (CacheKey) -> Bool) async -> Int {
        let (kept, coming) = shared.withLockedValue { shared in
            shared.voids.noteAll()
            return (shared.tier.all, Array(shared.flights.keys))
        }
        var count = 0
        for key in Set(kept.map(\.key) + coming) where isMeant(key) {
            let (some, flight) = shared.withLockedValue { shared in
                (shared.tier.remove(key), shared.flights.removeValue(forKey: key))
            }
            count += some
            withExtendedLifetime(flight) {}
        }
        return max(count, await disk?.purge(where: isMeant) ?? 0)
    }
}

extension HTTPCache {
    /// Without its disk it keeps in memory all the same.
    convenience init(_ configuration: CacheConfiguration, directory: String?, logger: Logger) {
        var disk: DiskStore?
        if let capacity = configuration.disk, capacity > 0 {
            let path =
                configuration.directory.first == "/"
                ? configuration.directory : directory.map { "\($0)/\(configuration.directory)" }
            do throws(DiskStore.Failure) {
                guard let path else { throw DiskStore.Failure(description: "there is no state directory") }
                disk = try DiskStore(path, capacity: Int(clamping: capacity), logger: logger)
            } catch {
                logger.warning("the cache keeps nothing on disk", metadata: ["reason": "\(error)"])
            }
        }
        self.init(
            memory: Int(clamping: configuration.memory), maximumObject: Int(clamping: configuration.maxObject),
            CacheSettings(configuration), disk: disk)
    }
}

extension CacheSettings {
    init(_ configuration: CacheConfiguration) {
        self.init()
        defaultTTL = UInt64(max(0, configuration.defaultTTL.components.seconds))
        hostTTLs = configuration.hostTTLs.mapValues { UInt64(max(0, $0.components.seconds)) }
        ttlHeader = configuration.ttlHeader.map { Array($0.utf8) }
        cookies = CookiePolicy(rawValue: configuration.setCookie) ?? .bypass
        targeted = configuration.targetedFields.map { Array($0.utf8) }
        keepsUsersApart = configuration.privateUsers
    }
}

/// The latest answers that could not be kept, and why; so many of them.
struct RefusedAnswers {
    private static let limit = 4096
    /// Seconds that one that could not be kept stands for the next.
    private static let memory: UnixSeconds = 120

    private var reasons: [CacheKey: (reason: NotStored, at: UnixSeconds)] = [:]
    private var order: CircularBuffer<CacheKey> = []

    var keys: some Collection<CacheKey> { reasons.keys }

    func reason(_ key: CacheKey) -> NotStored? { reasons[key]?.reason }

    func isRecent(_ key: CacheKey, now: UnixSeconds) -> Bool {
        guard let (reason, at) = reasons[key], reason.isAboutAnswer else { return false }
        return now <= at + Self.memory
    }

    mutating func note(_ key: CacheKey, _ reason: NotStored, now: UnixSeconds) {
        if reasons.updateValue((reason, now), forKey: key) == nil { order.append(key) }
        while order.count > Self.limit { reasons[order.removeFirst()] = nil }
    }

    mutating func forget(_ key: CacheKey) {
        guard reasons.removeValue(forKey: key) != nil else { return }
        order.removeAll { $0 == key }
    }
}
