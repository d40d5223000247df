import NIOCore
import SSNetwork
import Testing

@Suite("A table of associations")
struct ExpiringTableTests {
    private final class Ended { var values: [String] = [] }

    private func table(_ limit: Int) -> (ExpiringTable<Int, String>, Ended) {
        let ended = Ended()
        return (ExpiringTable(limit: limit, lifetime: .seconds(10)) { ended.values.append($0) }, ended)
    }

    private let start = NIODeadline.now()

    @Test("The one quiet for longest makes room")
    func eviction() {
        let (table, ended) = table(2)
        table.insert("a", for: 1, now: start)
        table.insert("b", for: 2, now: start + .seconds(1))
        #expect(table.use(1, now: start + .seconds(2)) == "a")
        table.insert("c", for: 3, now: start + .seconds(3))
        #expect(ended.values == ["b"])
        #expect(table.count == 2)
        #expect(table.use(2, now: start + .seconds(3)) == nil)
    }

    @Test("A use keeps an entry, silence ends it")
    func expiry() {
        let (table, ended) = table(10)
        table.insert("a", for: 1, now: start)
        table.insert("b", for: 2, now: start)
        _ = table.use(1, now: start + .seconds(9))
        table.sweep(now: start + .seconds(10))
        #expect(ended.values == ["b"])
        table.sweep(now: start + .seconds(19))
        #expect(ended.values == ["b", "a"])
        #expect(table.count == 0)
    }

    @Test("What is replaced, removed or swept out is told once")
    func endings() {
        let (table, ended) = table(10)
        table.insert("a", for: 1, now: start)
        table.insert("b", for: 1, now: start)
        #expect(ended.values == ["a"])
        table.remove(1)
        table.remove(1)
        #expect(ended.values == ["a", "b"])
        table.insert("c", for: 2, now: start)
        table.removeAll()
        table.removeAll()
        #expect(ended.values == ["a", "b", "c"])
    }
}
