// SIP022 3.1.3: a request without payload must have padding, so that its size tells nothing. One with a short payload is
// padded too: a few hundred bytes of a TLS hello or an HTTP request have telling sizes of their own.

package enum RequestPadding {
    /// Bytes of padding for a first payload of `payloadCount` bytes; `random` is uniformly distributed. 1...900 for no
    /// payload, up to 900 together with a short one, none for a longer one.
    package static func count(for payloadCount: Int, random: UInt32) -> Int {
        let room = RequestVariableHeader.maximumPadding - payloadCount
        guard room > 0 else { return 0 }
        let least = payloadCount == 0 ? 1 : 0
        return least + Int(random % UInt32(room + 1 - least))
    }
}
