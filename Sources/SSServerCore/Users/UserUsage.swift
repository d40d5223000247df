// The books of one user: what was moved in this month and ever, and how much of it no file knows yet.
package import SSCommon

package struct UserUsage: Hashable, Sendable {
    /// Payload bytes.
    package struct Bytes: Hashable, Sendable {
        package var up: UInt64
        package var down: UInt64

        package init(up: UInt64 = 0, down: UInt64 = 0) {
            self.up = up
            self.down = down
        }

        package static func + (a: Bytes, b: Bytes) -> Bytes { Bytes(up: a.up &+ b.up, down: a.down &+ b.down) }
        package static func += (a: inout Bytes, b: Bytes) { a = a + b }
        package var sum: UInt64 { up &+ down }
    }

    package private(set) var month: CalendarMonth
    /// In `month`.
    package private(set) var monthly: Bytes
    /// In all months.
    package private(set) var total: Bytes
    /// Of `month`, and not written yet.
    package private(set) var unwritten = Bytes()
    private var counted = Bytes()

    /// As written by an earlier run.
    package init(_ month: CalendarMonth, monthly: Bytes = Bytes(), total: Bytes = Bytes()) {
        self.month = month
        self.monthly = monthly
        self.total = total
    }

    /// Takes in what the account has counted, all of which belongs to `month`.
    package mutating func count(_ reading: UserAccount.Reading) {
        let moved = Bytes(up: reading.up &- counted.up, down: reading.down &- counted.down)
        counted = Bytes(up: reading.up, down: reading.down)
        monthly += moved
        total += moved
        unwritten += moved
    }

    /// What is counted from here on is another account's, which begins with nothing.
    package mutating func changeAccount() { counted = Bytes() }

    /// So much of `unwritten` is in the file now.
    package mutating func wrote(_ bytes: Bytes) {
        unwritten = Bytes(up: unwritten.up &- bytes.up, down: unwritten.down &- bytes.down)
    }

    /// Another month begins; everything of the last one has been written, or is lost.
    package mutating func begin(_ month: CalendarMonth) {
        self.month = month
        monthly = Bytes()
        unwritten = Bytes()
    }
}
