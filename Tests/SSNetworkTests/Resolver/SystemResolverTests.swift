import NIOCore
import NIOPosix
import SSCommon
import SSNetwork
import Testing

@Suite("The system's resolver")
struct SystemResolverTests {
    @Test("Once it is shut down, a lookup comes to nothing at once, and shutting down twice does no harm")
    func shutdown() async throws {
        let resolver = SystemResolver(threads: 1)
        resolver.shutdown()
        resolver.shutdown()
        let name = try DomainName(try #require(HostName("a.example")))
        let promise = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: TimedResolution.self)
        resolver.start(name) { promise.succeed($0) }
        let found = try await promise.futureResult.get()
        guard case .failed = found.resolution else {
            Issue.record("\(found)")
            return
        }
    }
}
