import SSCommon

/// Headers and datagrams.
func benchmarkParsing(_ watch: Stopwatch) {
    let name: [UInt8] = [3, 11] + Array("example.com".utf8) + [1, 187]
    watch.report("address, decode a name") { _ = try? TargetAddress.decode(name.span.bytes) }
    let ipv4: [UInt8] = [1, 192, 0, 2, 1, 1, 187]
    watch.report("address, decode IPv4") { _ = try? TargetAddress.decode(ipv4.span.bytes) }
    for method in [CipherMethod.aes256GCM, .chacha20Poly1305] {
        var codec = DatagramCodec(Credential(method: method, password: "correct horse battery staple"))
        let target = TargetAddress(host: "192.0.2.1", port: 53)!
        let payload = [UInt8](repeating: 7, count: 512)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 2048, alignment: 16)
        defer { memory.deallocate() }
        let salt = Salt.random(for: method)
        watch.report("datagram seal \(method.rawValue) 512 B", bytes: 512) {
            var output = OutputRawSpan(buffer: memory, initializedCount: 0)
            codec.seal(payload.span.bytes, address: target, salt: salt, into: &output)
        }
        let wire = [UInt8](unsafeUninitializedCapacity: 2048) { buffer, count in
            var output = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
            codec.seal(payload.span.bytes, address: target, salt: salt, into: &output)
            count = output.finalize(for: UnsafeMutableRawBufferPointer(buffer))
        }
        watch.report("datagram open \(method.rawValue) 512 B", bytes: 512) {
            var output = OutputRawSpan(buffer: memory, initializedCount: 0)
            _ = try? codec.open(wire.span.bytes, into: &output)
        }
    }
}
