// Puts a head together, line by line. Nothing that goes in may hold a line end: names and values come from a
// parsed head, which has none, or from us.

package struct HTTPHeadWriter {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int) { bytes.reserveCapacity(capacity) }

    package mutating func text(_ text: String) { bytes += text.utf8 }

    package mutating func line(_ name: String, _ value: String) {
        bytes += name.utf8
        bytes += ": ".utf8
        bytes += value.utf8
        bytes += "\r\n".utf8
    }

    package mutating func line(_ name: String, _ value: ArraySlice<UInt8>) {
        bytes += name.utf8
        bytes += ": ".utf8
        bytes += value
        bytes += "\r\n".utf8
    }

    /// Passes a field on as it came, but for the white space round its value.
    package mutating func copy(_ field: HTTPField, of head: HTTPHead) {
        bytes += head.name(field)
        bytes += ": ".utf8
        bytes += head.value(field)
        bytes += "\r\n".utf8
    }

    // Not generic: other modules' calls would not be specialised.
    package mutating func raw(_ more: [UInt8]) { bytes += more }

    package mutating func raw(_ more: ArraySlice<UInt8>) { bytes += more }

    package mutating func raw(_ more: UnsafeRawBufferPointer) { bytes += more }

    package mutating func end() { bytes += "\r\n".utf8 }
}
