// A question to a name server as bytes (RFC 1035 4.1). One question a message, recursion desired, no EDNS:
// the addresses of a host fit 512 bytes nearly always, and where they do not the server says so (TC).

/// What is asked.
package struct DNSQuestion: Hashable, Sendable {
    package enum Kind: UInt16, Hashable, Sendable {
        /// IPv4 addresses, RFC 1035 3.4.1.
        case a = 1
        /// IPv6 addresses, RFC 3596 2.1.
        case aaaa = 28
    }

    package var name: DomainName
    package var kind: Kind

    package init(_ name: DomainName, _ kind: Kind) {
        self.name = name
        self.kind = kind
    }
}

/// A question with the id that its answer must carry.
package struct DNSQuery: Hashable, Sendable {
    package var id: UInt16
    package var question: DNSQuestion

    /// `id` must be unpredictable: it is part of what keeps a stranger from answering.
    package init(id: UInt16, _ question: DNSQuestion) {
        self.id = id
        self.question = question
    }

    /// The message, 17...271 bytes.
    package var bytes: [UInt8] {
        let name = question.name.wireBytes
        var message: [UInt8] = []
        message.reserveCapacity(12 + name.count + 4)
        // Flags 0x0100 are RD; counts are one question and nothing else.
        for word: UInt16 in [id, 0x0100, 1, 0, 0, 0] { message.append(bigEndian: word) }
        message.append(contentsOf: name)
        message.append(bigEndian: question.kind.rawValue)
        message.append(bigEndian: 1)  // class IN
        return message
    }
}

extension DomainName {
    /// Length-prefixed labels and the empty label of the root (RFC 1035 3.1).
    package var wireBytes: [UInt8] {
        var wire: [UInt8] = []
        wire.reserveCapacity(bytes.count + 2)
        for label in bytes.split(separator: UInt8(ascii: ".")) {
            wire.append(UInt8(label.count))
            wire.append(contentsOf: label)
        }
        wire.append(0)
        return wire
    }
}

extension [UInt8] {
    fileprivate mutating func append(bigEndian word: UInt16) {
        append(UInt8(word >> 8))
        append(UInt8(word & 0xff))
    }
}
