import Testing

@testable import SSCommon

@Suite("The salt filter")
struct SaltFilterTests {
    @Test("A salt is fresh once")
    func once() {
        var filter = SaltFilter(capacity: 100)
        let salt = Salt.random(for: .aes256GCM)
        let answers = [filter.insert(salt), filter.insert(salt)]
        #expect(answers == [true, false])
    }

    @Test("At least the latest salts up to the capacity are remembered, in bounded memory")
    func generations() {
        var filter = SaltFilter(capacity: 1000)
        let salts = (0..<5000).map { _ in Salt.random(for: .aes128GCM) }
        let first = salts.map { filter.insert($0) }
        #expect(!first.contains(false))
        let again = salts.suffix(1000).map { filter.insert($0) }
        #expect(!again.contains(true))
        let oldest = filter.insert(salts[0])
        #expect(oldest, "what is older than two generations is forgotten")
    }
}
