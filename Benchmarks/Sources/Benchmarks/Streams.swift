import SSCommon

/// Whole reads through the stream machines: 64 KiB and 512 KiB of payload at a time.
func benchmarkStreams(_ watch: Stopwatch) {
    let target = TargetAddress(host: "example.com", port: 443)!
    for method in [CipherMethod.aes128GCM, .aes256GCM, .chacha20Poly1305, .blake3AES256GCM] {
        let credential = Credential(method: method, key: SecretKey(Sodium.random(method.keyLength)))
        for size in [1400, 65_536, 524_288] {
            let payload = [UInt8](repeating: 7, count: size)
            var sealer = RequestSealer(credential, target: target, salt: .random(for: method))
            let room = sealer.sealedCount(size)
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
            defer { memory.deallocate() }
            watch.report("stream seal \(method.rawValue) \(size) B", bytes: size) {
                var output = OutputRawSpan(buffer: memory, initializedCount: 0)
                sealer.seal(
                    payload.span.bytes, into: &output, circumstances: .init(now: 1_700_000_000, random: 0))
            }
        }
        benchmarkOpening(watch, credential)
    }
}

/// Opens a long stream prepared beforehand, 512 KiB of it at a time.
private func benchmarkOpening(_ watch: Stopwatch, _ credential: Credential) {
    let size = 16_383 * 32
    let payload = [UInt8](repeating: 7, count: size)
    let request = Salt.random(for: credential.method)
    var sealer = ResponseSealer(credential, salt: .random(for: credential.method), request: request)
    let room = sealer.sealedCount(size)
    let wire = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
        var output = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
        sealer.seal(payload.span.bytes, into: &output, now: 1_700_000_000)
        count = output.finalize(for: UnsafeMutableRawBufferPointer(buffer))
    }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: wire.count, alignment: 16)
    defer { memory.deallocate() }
    watch.report("stream open \(credential.method.rawValue) \(size) B, key set-up included", bytes: size) {
        var opener = ResponseOpener(credential, request: request)
        var output = OutputRawSpan(buffer: memory, initializedCount: 0)
        _ = try? opener.receive(wire.span.bytes, into: &output, now: 1_700_000_000) { _ in true }
    }
}
