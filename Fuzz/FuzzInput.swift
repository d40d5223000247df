// What libFuzzer hands over, taken apart from the front.

/// Bytes of one execution.
struct FuzzInput {
    private(set) var bytes: ArraySlice<UInt8>

    init(_ start: UnsafePointer<UInt8>, _ count: Int) {
        bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))[...]
    }

    /// The next byte; zero when there is none.
    mutating func byte() -> UInt8 {
        bytes.popFirst() ?? 0
    }

    /// Everything left.
    mutating func rest() -> [UInt8] {
        defer { bytes = [] }
        return [UInt8](bytes)
    }
}

/// Stops with the reason: an invariant does not hold.
func check(_ condition: Bool, _ reason: StaticString) {
    if !condition { fatalError("\(reason)") }
}

/// Runs `body` with room for `capacity` bytes and returns what it wrote.
func collecting(_ capacity: Int, _ body: (inout OutputRawSpan) -> Void) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
        var span = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
        body(&span)
        count = span.finalize(for: UnsafeMutableRawBufferPointer(buffer))
    }
}
