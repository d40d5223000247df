import Testing

@testable import SSCommon

/// The official test vectors (test_vectors.json of BLAKE3's repository) that are one chunk: byte i of the input is
/// i modulo 251.
@Suite("BLAKE3")
struct BLAKE3Tests {
    private static let purpose = BLAKE3.Purpose("BLAKE3 2019-12-27 16:29:52 test vectors context")

    @Test("The official hashes, of 131 bytes", arguments: BLAKE3Vector.all)
    func hash(vector: BLAKE3Vector) {
        #expect(output(vector) { BLAKE3.hash($0, into: $1) }.hexText == vector.hash)
    }

    @Test("The official derived keys, of 131 bytes", arguments: BLAKE3Vector.all)
    func deriveKey(vector: BLAKE3Vector) {
        #expect(output(vector) { BLAKE3.deriveKey(Self.purpose, $0, into: $1) }.hexText == vector.key)
    }

    private func output(
        _ vector: BLAKE3Vector, _ body: (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Void
    ) -> [UInt8] {
        let input = (0..<vector.count).map { UInt8($0 % 251) }
        var output = [UInt8](repeating: 0, count: 131)
        output.withUnsafeMutableBytes { output in input.withUnsafeBytes { body($0, output) } }
        return output
    }
}
