import SSNetwork
import Testing

@testable import SSCommon

@Suite("Keys that change while they are used")
struct KeyRingTests {
    private static func keys(_ method: CipherMethod) -> AcceptedKeys {
        AcceptedKeys(Credential(method: method, key: SecretKey(Sodium.random(method.keyLength))))
    }

    @Test("A change is there at once, and its number grows with each")
    func change() {
        let ring = KeyRing(Self.keys(.aes128GCM))
        #expect(ring.keys.method == .aes128GCM)
        var last = ring.generation
        for method in CipherMethod.allCases {
            ring.change(to: Self.keys(method))
            #expect(ring.keys.method == method)
            #expect(ring.generation > last)
            last = ring.generation
        }
    }

    @Test("Whoever has seen the number of a change gets its keys or newer ones")
    func concurrent() async {
        let credential = Credential(method: .aes128GCM, password: "a password for tests")
        // Each says by its user which one it is.
        let all = (0...5_000).map {
            AcceptedKeys(trying: [Accepted(user: "\($0)", credential: credential)], shared: credential)
        }
        let ring = KeyRing(all[0])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for keys in all.dropFirst() { ring.change(to: keys) } }
            for _ in 0..<3 {
                group.addTask {
                    var seen: UInt64 = 0
                    while seen < 5_000 {
                        let generation = ring.generation
                        let keys = ring.keys.tried.first?.user.flatMap { UInt64($0) } ?? 0
                        if generation < seen || keys < generation {
                            Issue.record("keys \(keys) for number \(generation) after \(seen)")
                        }
                        seen = generation
                    }
                }
            }
        }
        #expect(ring.keys.tried.first?.user == "5000")
    }
}
