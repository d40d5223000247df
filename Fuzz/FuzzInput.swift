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

    /// At most `count` bytes.
    mutating func take(_ count: Int) -> [UInt8] {
        defer { bytes = bytes.dropFirst(count) }
        return [UInt8](bytes.prefix(count))
    }

    /// Everything left.
    mutating func rest() -> [UInt8] {
        defer { bytes = [] }
        return [UInt8](bytes)
    }

    /// Everything left as text; what is no UTF-8 becomes U+FFFD.
    mutating func text() -> String {
        String(decoding: rest(), as: UTF8.self)
    }

    /// A text whose length, below 64, stands before it.
    mutating func shortText() -> String {
        let length = Int(byte()) & 63
        return String(decoding: take(length), as: UTF8.self)
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

/// Whether foreign text has lost its teeth: nothing in it ends a line, moves a cursor or turns text round.
func isHarmless(_ text: some StringProtocol) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
        if scalar.properties.isBidiControl { return false }
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate: return false
        default: return true
        }
    }
}
