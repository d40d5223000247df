// Which event loops the tests' own ends of our code run on: the engine of this system, or NIO's with SS_TEST_ENGINE=nio, as
// on systems that have no other. `scripts/test` runs these tests on both.
import NIOCore
import NIOPosix
import SSNetwork

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

enum TestEngine {
    static let isNIO = getenv("SS_TEST_ENGINE").map { String(cString: $0) } == "nio"

    /// Never shut down.
    static let group: any EventLoopGroup = isNIO ? MultiThreadedEventLoopGroup.singleton : Engine.makeGroup(threads: 2)
}
