// Several event loops, and which kind a program runs on.
package import NIOCore
internal import NIOPosix

/// The event loops of a program.
package enum Engine {
    /// `threads` loops: our own on Linux, NIO's elsewhere. Ends with `shutdownGracefully`.
    package static func makeGroup(threads: Int) -> any EventLoopGroup {
        #if os(Linux)
            EpollLoopGroup(threads: threads)
        #else
            MultiThreadedEventLoopGroup(numberOfThreads: threads)
        #endif
    }
}

#if os(Linux)
    package import Dispatch
    internal import Glibc
    internal import NIOConcurrencyHelpers

    /// A fixed number of `EpollLoop`s.
    package final class EpollLoopGroup: EventLoopGroup {
        private let loops: [EpollLoop]
        private let turn = NIOLockedValueBox(0)

        /// `threads` of 1 or more; traps where the system has neither threads nor descriptors left.
        package init(threads: Int) {
            precondition(threads > 0, "a group has a loop")
            // As NIO does: a write to a closed pipe or socket is an error of that write, not the end of the process.
            signal(SIGPIPE, SIG_IGN)
            loops = (0..<threads).map { EpollLoop(name: "loop-\($0)") }
        }

        package func next() -> any EventLoop {
            loops[
                turn.withLockedValue { turn in
                    turn = (turn + 1) % loops.count
                    return turn
                }]
        }

        package func makeIterator() -> EventLoopIterator {
            EventLoopIterator(loops)
        }

        package func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
            let left = NIOLockedValueBox(loops.count)
            for loop in loops {
                loop.stop {
                    let isLast = left.withLockedValue { left in
                        left -= 1
                        return left == 0
                    }
                    if isLast { queue.async { callback(nil) } }
                }
            }
        }
    }
#endif
