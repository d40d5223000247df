// One list of unauthenticated connections a loop, one limit for all.
internal import NIOCore

/// The lists of all loops, for all ports together.
///
/// `@unchecked Sendable`: filled once, before anybody else has it; each list is only handed out to, and used on, its own
/// loop but for what it allows others.
final class UnauthenticatedLists: @unchecked Sendable {
    private var lists: [ObjectIdentifier: UnauthenticatedList] = [:]
    private let limit: Int
    let limits: SourceLimits

    /// Together they may hold half of the process's `descriptors`; the other half is for those with a key.
    convenience init(_ group: any EventLoopGroup, descriptors: Int, limits: SourceLimits) {
        self.init(group, limit: max(8, descriptors / 2), limits: limits)
    }

    /// Together they may hold `limit` connections.
    init(_ group: any EventLoopGroup, limit: Int, limits: SourceLimits = SourceLimits()) {
        self.limit = limit
        self.limits = limits
        for loop in group.makeIterator() { lists[ObjectIdentifier(loop)] = UnauthenticatedList(loop, of: self) }
    }

    /// The list of `loop`, on which the caller must be.
    subscript(loop: any EventLoop) -> UnauthenticatedList {
        loop.preconditionInEventLoop()
        guard let list = lists[ObjectIdentifier(loop)] else { preconditionFailure("a loop of another group") }
        return list
    }

    /// `source` has too many, and one of them goes: the oldest of the first list that has any.
    func makeRoom(of source: SourceLimits.Source?, asking first: UnauthenticatedList) {
        guard let source else { return }
        first.evictOne(of: source, else: ArraySlice(lists.values.filter { $0 !== first }))
    }

    /// One has come. Beyond the limit one goes, from the loop that has most: its oldest is old enough.
    func makeRoom() {
        let lists = lists.values
        guard lists.reduce(0, { $0 + $1.count }) > limit else { return }
        lists.max { $0.count < $1.count }?.evictOne()
    }
}
