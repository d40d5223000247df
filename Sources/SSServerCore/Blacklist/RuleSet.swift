// Rules of one origin, for everybody and for single users, with the places they came from.
internal import SSCommon

/// Immutable; looked at from any thread.
package final class RuleSet: Sendable {
    /// Which of two rules that say different things decides.
    package enum Order: Hashable, Sendable {
        /// What allows.
        case allowedFirst
        /// The more exact one; what allows where both are alike.
        case mostExact
        /// What refuses, and what is about everything last: as ACL files are read.
        case refusedFirst
    }

    /// Users that have rules of their own; those of more are left out.
    package static let userLimit = 10_000

    /// Collects rules.
    package struct Builder {
        package let order: Order
        package var sources = RuleSources()
        fileprivate var general: [RuleBook.Builder]
        fileprivate var users: [String: [RuleBook.Builder]] = [:]
        private let seed: (UInt64, UInt64)

        /// `seed` is random, so that nobody outside can make names that collide.
        package init(_ order: Order, seed: (UInt64, UInt64)) {
            self.order = order
            self.seed = seed
            general = Self.books(order, seed)
        }

        private static func books(_ order: Order, _ seed: (UInt64, UInt64)) -> [RuleBook.Builder] {
            let count =
                switch order {
                case .allowedFirst: 2
                case .mostExact: 1
                case .refusedFirst: 3
                }
            return (0..<count).map { _ in RuleBook.Builder(seed: seed) }
        }

        /// Rules so far, those that say the same more than once.
        package var count: Int {
            general.reduce(0) { $0 + $1.count } + users.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } }
        }

        /// The quick way in for names that are as `DomainName` has them, and are refused to everybody.
        package mutating func refuse(name: UnsafeRawBufferPointer, _ scope: NameScope, at place: RulePlace) {
            general[usualIndex(isAllowed: false)].add(name: name, scope, isAllowed: false, at: place)
        }

        /// False if there is no room for it. `users` are those that it is for; empty for everybody.
        package mutating func add(
            _ rule: ListRule, isAllowed: Bool, users names: [String] = [], at place: RulePlace
        ) -> Bool {
            let index = index(of: rule, isAllowed)
            guard !names.isEmpty else { return general[index].add(rule, isAllowed: isAllowed, at: place) }
            var hasRoom = true
            for name in names {
                guard users[name] != nil || users.count < RuleSet.userLimit else { return false }
                if !users[name, default: Self.books(order, seed)][index].add(rule, isAllowed: isAllowed, at: place) {
                    hasRoom = false
                }
            }
            return hasRoom
        }

        /// Of addresses of clients the more exact always decides.
        private func index(of rule: ListRule, _ isAllowed: Bool) -> Int {
            guard order == .refusedFirst else { return usualIndex(isAllowed: isAllowed) }
            switch rule {
            case .everything: return 2
            case .client: return 0
            default: return usualIndex(isAllowed: isAllowed)
            }
        }

        private func usualIndex(isAllowed: Bool) -> Int {
            switch order {
            case .allowedFirst: isAllowed ? 0 : 1
            case .mostExact: 0
            case .refusedFirst: isAllowed ? 1 : 0
            }
        }
    }

    /// The first that says something decides.
    let general: [RuleBook]
    let users: [String: [RuleBook]]
    package let sources: RuleSources
    /// Rules without repetitions of names.
    package let count: Int

    package init(_ builder: consuming Builder) {
        sources = builder.sources
        users = builder.users.mapValues { $0.map { RuleBook($0) } }
        var books: [RuleBook] = []
        while !builder.general.isEmpty { books.append(RuleBook(builder.general.removeFirst())) }
        general = books
        allowsAddresses =
            books.contains(where: \.allowsAddresses) || users.values.contains { $0.contains(where: \.allowsAddresses) }
        count = books.reduce(0) { $0 + $1.count } + users.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } }
    }

    /// Bytes of the large tables.
    package var byteCount: Int { general.reduce(0) { $0 + $1.byteCount } }

    package let allowsAddresses: Bool

    package var hasPaths: Bool {
        general.contains(where: \.hasPaths) || users.values.contains { $0.contains(where: \.hasPaths) }
    }
}
