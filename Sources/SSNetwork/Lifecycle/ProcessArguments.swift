// What the process was started with. Swift's runtime on Linux finds the arguments in memory in front of the environment, and
// finds nothing when a preloaded library has moved that; then a program would run with its defaults, whatever was asked.
#if os(Linux)
    internal import CLinux
#endif

package enum ProcessArguments {
    /// Without the program's name; each ends in a zero byte and is the process's own writable memory.
    package static func withPointers<Result>(_ body: ([UnsafeMutablePointer<CChar>]) -> Result) -> Result {
        var count = CommandLine.argc
        var first: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        #if os(Linux)
            var ownCount: CInt = 0
            if let own = linux_arguments(&ownCount) { (first, count) = (own, ownCount) }
        #endif
        guard let first, count > 1 else { return body([]) }
        return body((1..<Int(count)).compactMap { first[$0] })
    }

    /// The same as text.
    package static var all: [String] {
        withPointers { $0.map { String(cString: $0) } }
    }
}
