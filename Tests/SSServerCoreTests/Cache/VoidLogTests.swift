import Testing

@testable import SSServerCore

@Suite("What was made void")
struct VoidLogTests {
    @Test("What was begun before is void, what begins after is not")
    func order() {
        var log = VoidLog<Int>()
        let before = log.generation
        log.note(7)
        #expect(log.isVoid(7, since: before) && !log.isVoid(8, since: before))
        #expect(!log.isVoid(7, since: log.generation))
        log.note(7)
        #expect(log.isVoid(7, since: before + 1))
        log.noteAll()
        #expect(log.isVoid(8, since: before + 2) && !log.isVoid(8, since: log.generation))
    }

    @Test("After thousands of others nothing old is believed, and nothing new is forgotten")
    func many() {
        var log = VoidLog<Int>()
        let old = log.generation
        for key in 0..<10_000 { log.note(key) }
        let middle = log.generation
        for key in 0..<3000 { log.note(key % 100) }
        #expect(log.isVoid(20_000, since: old))
        for key in 0..<100 { #expect(log.isVoid(key, since: middle)) }
        for key in 100..<10_000 where log.isVoid(key, since: middle) { Issue.record("\(key)") }
    }
}
