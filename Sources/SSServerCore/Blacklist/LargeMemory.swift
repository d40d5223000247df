// Memory for a large table that is read all over: in large pages where the system has them (Linux), because to find out where a
// small one is takes as long as to read it.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Zeroed, and given back when nobody has it any more.
///
/// `@unchecked Sendable`: whoever makes one fills it before anybody else has it, and it is only read from then on.
final class LargeMemory: @unchecked Sendable {
    /// What the larger pages of most systems have.
    private static let page = 2 << 20

    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        let isLarge = byteCount >= Self.page
        let whole = isLarge ? (byteCount + Self.page - 1) / Self.page * Self.page : byteCount
        bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: whole, alignment: isLarge ? Self.page : 64)
        #if os(Linux)
            // Where it is refused, small pages serve as well.
            if isLarge { _ = madvise(bytes.baseAddress, whole, CInt(MADV_HUGEPAGE)) }
        #endif
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { bytes.deallocate() }
}
