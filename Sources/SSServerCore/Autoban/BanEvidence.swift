// The last lines about those who failed, for whoever asks why somebody is banned. So many and no more, whoever knocks: a ring of
// places of one size, each with the place of the line before about the same source.
internal import SSCommon

package struct BanEvidence: Sendable {
    /// Bytes that are kept of a line; those that speak of a failure have no host name in them and are shorter.
    package static let maximumLine = 240
    /// Lines about one source.
    package static let maximumLines = 10

    private struct Place {
        var source: BanSource
        var count = 0
        /// The number of the line before, 0 for none.
        var before: UInt64
    }

    private let capacity: Int
    /// The number of the last line; they begin with 1.
    private var newest: UInt64 = 0
    private var places: [Place] = []
    private var text: [UInt8] = []
    /// The last line about sources of one hash.
    private var heads: [UInt64]

    /// At most so many lines; a power of two.
    package init(capacity: Int = 1 << 14) {
        self.capacity = capacity
        heads = Array(repeating: 0, count: capacity)
    }

    package mutating func add(_ line: RawSpan, about source: BanSource) {
        newest += 1
        let place = index(newest)
        let head = head(source)
        let count = min(line.byteCount, Self.maximumLine)
        let entry = Place(source: source, count: count, before: heads[head])
        if place == places.count {
            places.append(entry)
            text.append(contentsOf: repeatElement(0, count: Self.maximumLine))
        } else {
            places[place] = entry
        }
        let start = place * Self.maximumLine
        line.extracting(0..<count).withUnsafeBytes { bytes in
            text.withUnsafeMutableBytes {
                UnsafeMutableRawBufferPointer(rebasing: $0[start...]).copyMemory(from: bytes)
            }
        }
        heads[head] = newest
    }

    /// What is still there about `source`, the oldest first. No line has a byte that a terminal could take for an order.
    package func lines(about source: BanSource) -> [String] {
        var lines: [String] = []
        var number = heads[head(source)]
        while number > 0, newest - number < UInt64(capacity), lines.count < Self.maximumLines {
            let place = places[index(number)]
            if place.source == source {
                let start = index(number) * Self.maximumLine
                lines.append(Self.plain(text[start..<start + place.count]))
            }
            guard place.before < number else { break }
            number = place.before
        }
        return lines.reversed()
    }

    private static func plain(_ line: ArraySlice<UInt8>) -> String {
        let text = String(decoding: line, as: UTF8.self)
        // Nearly all are.
        return line.allSatisfy { (0x20...0x7e).contains($0) } ? text : TerminalText.plain(text)
    }

    private func index(_ number: UInt64) -> Int { Int((number - 1) & UInt64(capacity - 1)) }

    private func head(_ source: BanSource) -> Int { source.tableHash & (capacity - 1) }
}
