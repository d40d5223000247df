// Bytes in test vectors.
import SSCommon

/// The bytes that `text` spells in hexadecimal; spaces are ignored.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }
    precondition(digits.count % 2 == 0)
    var bytes: [UInt8] = []
    var index = digits.startIndex
    while index < digits.endIndex {
        let next = digits.index(index, offsetBy: 2)
        bytes.append(UInt8(digits[index..<next], radix: 16)!)
        index = next
    }
    return bytes
}

extension [UInt8] {
    var hexText: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}

/// Runs `body` with room for `capacity` bytes and returns what it wrote.
func collecting<E: Error>(
    _ capacity: Int, _ body: (inout OutputRawSpan) throws(E) -> Void
) throws(E) -> [UInt8] {
    var failure: E?
    let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
        var span = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
        do throws(E) {
            try body(&span)
        } catch {
            failure = error
        }
        count = span.finalize(for: UnsafeMutableRawBufferPointer(buffer))
    }
    if let failure { throw failure }
    return bytes
}

/// The way two bytes sequences are cut: at one offset, or into single bytes.
func everySplit(of bytes: [UInt8]) -> [[[UInt8]]] {
    let atOffsets = (0...bytes.count).map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
    return atOffsets + [bytes.map { [$0] }] + [[bytes]]
}
