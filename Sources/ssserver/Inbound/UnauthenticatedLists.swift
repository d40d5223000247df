// One list of unauthenticated connections a loop.
internal import NIOCore

/// The lists of all loops, for all ports together.
///
/// `@unchecked Sendable`: made once; each list is only handed out to, and used on, its own loop.
struct UnauthenticatedLists: @unchecked Sendable {
    private let lists: [ObjectIdentifier: UnauthenticatedList]

    /// Together they may hold half of the process's `descriptors`; the other half is for those with a key.
    init(_ group: any EventLoopGroup, descriptors: Int) {
        let loops = Array(group.makeIterator())
        let limit = max(8, descriptors / 2 / loops.count)
        lists = Dictionary(
            uniqueKeysWithValues: loops.map { (ObjectIdentifier($0), UnauthenticatedList(limit: limit)) })
    }

    /// The list of `loop`, on which the caller must be.
    subscript(loop: any EventLoop) -> UnauthenticatedList {
        loop.preconditionInEventLoop()
        guard let list = lists[ObjectIdentifier(loop)] else { preconditionFailure("a loop of another group") }
        return list
    }
}
