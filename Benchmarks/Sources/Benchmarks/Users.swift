import SSCommon

/// What it costs a server to find out whose a request is, and that it is nobody's, by the number of users.
func benchmarkUsers(_ watch: Stopwatch) {
    let method = CipherMethod.blake3AES256GCM
    let port = credential(method)
    for count in [1, 1000, 100_000] {
        let users = accepted(count, method)
        let keys = AcceptedKeys(port: port, users: users)
        let last = Credential(method: method, key: users[count - 1].credential.key, servers: [port.key])
        report(watch, "2022, \(count) users", keys, last, stranger: credential(method))
    }
    let classic = CipherMethod.aes256GCM
    for count in [1, 10, 100] {
        let users = accepted(count, classic)
        let keys = AcceptedKeys(trying: users, shared: credential(classic))
        report(
            watch, "classic, the last of \(count) users", keys, users[count - 1].credential,
            stranger: credential(classic))
    }
}

private func credential(_ method: CipherMethod) -> Credential {
    Credential(method: method, key: SecretKey(Sodium.random(method.keyLength)))
}

private func accepted(_ count: Int, _ method: CipherMethod) -> [Accepted] {
    (0..<count).map { Accepted(user: "user \($0)", credential: credential(method)) }
}

private func report(
    _ watch: Stopwatch, _ name: String, _ keys: AcceptedKeys, _ user: Credential, stranger: Credential
) {
    for (who, credential) in [("", user), (", a stranger", stranger)] {
        let target = TargetAddress(host: "example.com", port: 443)!
        let payload = [UInt8](repeating: 7, count: 200)
        var sealer = RequestSealer(credential, target: target, salt: .random(for: keys.method))
        let room = sealer.sealedCount(payload.count) + 1024
        let wire = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            var output = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
            sealer.seal(
                payload.span.bytes, into: &output, circumstances: .init(now: 1_700_000_000, random: 0))
            count = output.finalize(for: UnsafeMutableRawBufferPointer(buffer))
        }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: wire.count, alignment: 16)
        defer { memory.deallocate() }
        watch.report("request, \(name)\(who)") {
            var opener = RequestOpener(keys)
            var output = OutputRawSpan(buffer: memory, initializedCount: 0)
            _ = try? opener.receive(
                wire.span.bytes, into: &output, now: 1_700_000_000, isKnown: { _ in false }
            ) { _ in }
        }
    }
}
