import SSCommon

/// Sealing and opening single pieces in place, and what it costs to key a context.
func benchmarkAEAD(_ watch: Stopwatch) {
    for method in CipherMethod.allCases {
        let key = [UInt8](repeating: 1, count: method.keyLength)
        for size in [2, 64, 256, 1400, 16_383] {
            var context = AEADContext(method.aead, .seal)
            key.withUnsafeBytes { context.rekey($0) }
            var buffer = [UInt8](repeating: 0, count: size + 16)
            var nonce = Nonce()
            watch.report("seal \(method.rawValue) \(size) B", bytes: size) {
                buffer.withUnsafeMutableBytes {
                    context.seal($0.baseAddress!, count: size, to: $0.baseAddress!, nonce: nonce)
                }
                nonce.increment()
            }
        }
        let credential = Credential(method: method, key: SecretKey(Sodium.random(method.keyLength)))
        let salt = Salt.random(for: method)
        var kept = AEADContext(method.aead, .seal)
        watch.report("session key, kept context \(method.rawValue)") { credential.key(&kept, salt: salt) }
        watch.report("session key, new context \(method.rawValue)") { _ = credential.context(.seal, salt: salt) }
    }
    watch.report("random salt") { _ = Salt.random(for: .aes256GCM) }
    var filter = SaltFilter(capacity: 500_000)
    watch.report("salt filter, insert") { _ = filter.insert(.random(for: .aes256GCM)) }
    // All loops wait for the slowest insertion. Three generations, so that growing, changing and forgetting are in it;
    // the first line is what the machine itself holds a thread up.
    watch.reportSlowest("salt filter, slowest of 1,500,000 salts alone", of: 1_500_000) {
        _ = Salt.random(for: .aes256GCM)
    }
    var fresh = SaltFilter(capacity: 500_000)
    watch.reportSlowest("salt filter, slowest of 1,500,000 insertions", of: 1_500_000) {
        _ = fresh.insert(.random(for: .aes256GCM))
    }
}
