// A name server's answer, read with distrust (RFC 1035 4.1, RFC 2181 8, RFC 2308 5). Whoever can reach our
// port may send one, and a hostile server may send anything: the reading is bounded in time and memory.

/// What a name server said to one question.
package enum DNSReply: Hashable, Sendable {
    /// At least one address; good for `ttl` seconds.
    case addresses([IPAddress], ttl: UInt32)
    /// The name exists without such an address, or does not exist (RFC 2308 2); good for `ttl` seconds, nil if
    /// the server did not say.
    case absent(exists: Bool, ttl: UInt32?)
    /// Cut short: ask again over TCP.
    case truncated
    /// The server could not or would not answer.
    case failed(code: UInt8)

    /// Why bytes are no answer to our query.
    package enum Fault: Error, Hashable, Sendable {
        /// Not a reply, or one to something else: drop it and go on waiting.
        case unrelated
        /// A reply to our question that breaks the format.
        case malformed
    }

    /// More addresses than this are of no use to anyone; the rest is dropped.
    package static let addressLimit = 32
    /// Records looked at, answers and authority together.
    static let recordLimit = 256
    /// CNAMEs followed inside one message.
    static let aliasLimit = 16

    package init(_ message: [UInt8], to query: DNSQuery) throws(Fault) {
        var reader = DNSReader(message)
        guard let header = reader.header(), header.id == query.id, header.flags & 0xf800 == 0x8000 else {
            throw .unrelated
        }
        let code = UInt8(header.flags & 0xf)
        if header.questions == 0 {
            // A server that could not read the question may leave it out; it proves less, so it may only fail.
            guard code != 0, code != 3 else { throw .unrelated }
            self = .failed(code: code)
            return
        }
        guard header.questions == 1, reader.name() == query.question.name.wireBytes,
            reader.word() == query.question.kind.rawValue, reader.word() == 1
        else { throw .unrelated }
        if header.flags & 0x0200 != 0 {
            self = .truncated
            return
        }
        guard code == 0 || code == 3 else {
            self = .failed(code: code)
            return
        }
        guard let answers = reader.records(min(Int(header.answers), Self.recordLimit)) else { throw .malformed }
        let found = try Self.follow(answers, in: message, query.question)
        if !found.addresses.isEmpty {
            self = .addresses(found.addresses, ttl: found.ttl)
            return
        }
        // Only what follows a fully read answer section can be the authority section.
        var soa: UInt32?
        if Int(header.answers) <= Self.recordLimit,
            let authority = reader.records(min(Int(header.authorities), Self.recordLimit))
        {
            soa = Self.negativeTTL(authority, in: message)
        }
        self = .absent(exists: code == 0, ttl: soa.map { min($0, found.ttl) })
    }

    /// The wanted addresses at the end of the CNAME chain that starts at the question's name.
    private static func follow(
        _ records: [DNSRecord], in message: [UInt8], _ question: DNSQuestion
    ) throws(Fault) -> (addresses: [IPAddress], ttl: UInt32) {
        var owner = question.name.wireBytes
        var ttl = UInt32.max
        var hops = 0
        while true {
            var addresses: [IPAddress] = []
            var alias: [UInt8]?
            for record in records where record.isInternet && record.owner == owner {
                if record.kind == question.kind.rawValue {
                    guard let address = record.address(in: message) else { throw .malformed }
                    ttl = min(ttl, record.ttl)
                    if addresses.count < addressLimit, !addresses.contains(address) { addresses.append(address) }
                } else if record.kind == DNSRecord.cname, alias == nil {
                    guard let target = record.aliasTarget(in: message) else { throw .malformed }
                    alias = target
                    ttl = min(ttl, record.ttl)
                }
            }
            guard addresses.isEmpty, let next = alias, hops < aliasLimit else { return (addresses, ttl) }
            hops += 1
            owner = next
        }
    }

    /// RFC 2308 5: the smaller of the SOA's own TTL and its MINIMUM field.
    private static func negativeTTL(_ records: [DNSRecord], in message: [UInt8]) -> UInt32? {
        for record in records where record.isInternet && record.kind == DNSRecord.soa {
            return record.soaMinimum(in: message).map { min($0, record.ttl) }
        }
        return nil
    }
}
