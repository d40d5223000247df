// The elements of a set as the kernel tells them (linux/netlink.h, linux/netfilter/nf_tables.h).
internal import SSCommon
internal import SSServerCore

enum NFTDump {
    /// Gives the key of each element of `answer`, and the seconds that are left of it. What is not an answer to `sequence` is skipped.
    static func read(
        _ answer: ArraySlice<UInt8>, sequence: UInt32, _ each: (ArraySlice<UInt8>, UInt32?) -> Void
    ) -> NetlinkMessage.Outcome {
        var rest = answer
        while let message = NetlinkMessage(from: &rest) {
            guard message.sequence == sequence else { continue }
            // There is no such set, or it was changed meanwhile.
            if message.flags & NFTBatch.Flag.interrupted != 0 || message.kind == NetlinkMessage.error {
                return .failure
            }
            if message.kind == NetlinkMessage.done { return .end }
            guard message.kind == NFTBatch.Kind.add else { continue }
            attributes(message.body.dropFirst(4)) { kind, list in
                guard kind == NFTBatch.Attribute.elements else { return }
                attributes(list) { if $0 == NFTBatch.Attribute.element { element($1, each) } }
            }
        }
        return rest.isEmpty ? .more : .failure
    }

    /// What an element of `set` bans; nil for a key of another length.
    static func prefix(_ key: ArraySlice<UInt8>, of set: NFTSet) -> BanPrefix? {
        guard key.count == (set.isIPv6 ? 16 : 4) else { return nil }
        let high = key.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        let address: IPAddress =
            set.isIPv6
            ? .v6(IPv6Address(high: high, low: key.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }))
            : .v4(IPv4Address(UInt32(truncatingIfNeeded: high)))
        if NFTables.usual.contains(set) { return BanPrefix(BanSource(address)) }
        return try? BanPrefix("\(address)/\(set.length)")
    }

    private static func element(_ bytes: ArraySlice<UInt8>, _ each: (ArraySlice<UInt8>, UInt32?) -> Void) {
        var key: ArraySlice<UInt8>?
        var seconds: UInt32?
        attributes(bytes) { kind, body in
            if kind == NFTBatch.Attribute.key {
                attributes(body) { if $0 == NFTBatch.Attribute.value { key = $1 } }
            } else if kind == NFTBatch.Attribute.expiration, body.count == 8 {
                // In milliseconds.
                seconds = UInt32(clamping: body.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } / 1000)
            }
        }
        if let key { each(key, seconds) }
    }

    private static func attributes(_ bytes: ArraySlice<UInt8>, _ each: (UInt16, ArraySlice<UInt8>) -> Void) {
        var rest = bytes
        while rest.count >= 4 {
            let length = Int(rest.number(0, as: UInt16.self))
            guard length >= 4, length <= rest.count else { return }
            // Without what is said of its kind in the two highest bits.
            each(rest.number(2, as: UInt16.self) & 0x3fff, rest.dropFirst(4).prefix(length - 4))
            rest = rest.dropFirst((length + 3) & ~3)
        }
    }
}
