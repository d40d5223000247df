import Testing

@testable import SSCommon

@Suite("Salts of the last minute")
struct SaltWindowTests {
    private func salt(_ number: Int) -> Salt {
        var bytes = [UInt8](repeating: 0, count: 32)
        for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
        return Salt(bytes.span.bytes)
    }

    @Test("A salt is known for sixty seconds, whenever it came")
    func minute() {
        for start: UInt64 in [0, 1, 59, 60, 61, 1000] {
            for age: UInt64 in [0, 1, 30, 59, 60] {
                var window = SaltWindow(capacity: 100)
                #expect(window.insert(salt(1), clock: 0) == .fresh)
                #expect(window.insert(salt(2), clock: start) == .fresh)
                #expect(window.insert(salt(2), clock: start + age) == .seen, "from \(start) after \(age) s")
            }
        }
    }

    @Test("It is forgotten after two minutes, also when nothing else comes")
    func forgets() {
        var window = SaltWindow(capacity: 100)
        #expect(window.insert(salt(1), clock: 10) == .fresh)
        #expect(window.insert(salt(1), clock: 131) == .fresh)
        #expect(window.count == 1)
    }

    @Test("When it is full, nothing is forgotten and nothing is taken, until there is room again")
    func full() {
        var window = SaltWindow(capacity: 3)
        for number in 0..<3 { #expect(window.insert(salt(number), clock: 0) == .fresh) }
        #expect(window.insert(salt(3), clock: 1) == .full)
        #expect(window.insert(salt(0), clock: 1) == .seen)
        #expect(window.insert(salt(3), clock: 130) == .fresh)
    }

    @Test("A hundred thousand salts are told apart exactly")
    func many() {
        var window = SaltWindow(capacity: 1_000_000)
        for number in 0..<100_000 { #expect(window.insert(salt(number), clock: UInt64(number / 2000)) == .fresh) }
        for number in stride(from: 0, to: 100_000, by: 7) {
            #expect(window.insert(salt(number), clock: 50) == .seen)
        }
        #expect(window.count == 100_000)
    }
}
