// The parts of a DNS message (RFC 1035 4.1): header, compressed names, records. Every read is checked, and a
// compression pointer may only point before the name it is part of and before the last pointer followed, so
// there are no loops and a name costs at most 255 bytes and 128 jumps.

/// A cursor over a message. Every method returns nil where the bytes end too early or break the format; the
/// cursor is of no use after that.
struct DNSReader {
    private let message: [UInt8]
    private(set) var offset = 0

    init(_ message: [UInt8], at offset: Int = 0) {
        self.message = message
        self.offset = offset
    }

    /// The twelve bytes every message begins with; the count of additional records is not needed.
    struct Header {
        var id: UInt16
        var flags: UInt16
        var questions: UInt16
        var answers: UInt16
        var authorities: UInt16
    }

    mutating func header() -> Header? {
        guard let id = word(), let flags = word(), let questions = word(), let answers = word(),
            let authorities = word(), word() != nil
        else { return nil }
        return Header(id: id, flags: flags, questions: questions, answers: answers, authorities: authorities)
    }

    mutating func byte() -> UInt8? {
        guard offset < message.count else { return nil }
        defer { offset += 1 }
        return message[offset]
    }

    mutating func word() -> UInt16? {
        guard let high = byte(), let low = byte() else { return nil }
        return UInt16(high) << 8 | UInt16(low)
    }

    mutating func long() -> UInt32? {
        guard let high = word(), let low = word() else { return nil }
        return UInt32(high) << 16 | UInt32(low)
    }

    mutating func skip(_ count: Int) -> Bool {
        guard count <= message.count - offset else { return false }
        offset += count
        return true
    }

    /// A name in wire form, uncompressed, ASCII letters lower-cased: at most 255 bytes.
    mutating func name() -> [UInt8]? {
        var name: [UInt8] = []
        var limit = offset
        var resume: Int?
        while let length = byte() {
            switch length {
            case 0:
                name.append(0)
                if let resume { offset = resume }
                return name
            case 1...63:
                guard name.count + Int(length) + 2 <= 255 else { return nil }
                name.append(length)
                for _ in 0..<length {
                    guard let byte = byte() else { return nil }
                    name.append((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte)
                }
            case 0xc0...:
                guard let low = byte() else { return nil }
                let target = Int(length & 0x3f) << 8 | Int(low)
                guard target < limit else { return nil }
                if resume == nil { resume = offset }
                limit = target
                offset = target
            default:
                return nil
            }
        }
        return nil
    }

    /// `count` records of a section.
    mutating func records(_ count: Int) -> [DNSRecord]? {
        var records: [DNSRecord] = []
        for _ in 0..<count {
            guard let owner = name(), let kind = word(), let category = word(), let ttl = long(), let length = word()
            else { return nil }
            let start = offset
            guard skip(Int(length)) else { return nil }
            records.append(
                DNSRecord(
                    owner: owner, kind: kind, category: category,
                    // RFC 2181 8: a TTL with the top bit set is zero.
                    ttl: ttl > UInt32(Int32.max) ? 0 : ttl, data: start..<offset))
        }
        return records
    }
}

/// A record whose data still lie in the message.
struct DNSRecord {
    static let cname: UInt16 = 5
    static let soa: UInt16 = 6

    var owner: [UInt8]
    var kind: UInt16
    var category: UInt16
    var ttl: UInt32
    var data: Range<Int>

    var isInternet: Bool { category == 1 }

    /// The data of an A or AAAA record; nil if its length is wrong.
    func address(in message: [UInt8]) -> IPAddress? {
        var reader = DNSReader(message, at: data.lowerBound)
        switch DNSQuestion.Kind(rawValue: kind) {
        case .a:
            guard data.count == 4, let value = reader.long() else { return nil }
            return .v4(IPv4Address(value))
        case .aaaa:
            guard data.count == 16, let a = reader.long(), let b = reader.long(), let c = reader.long(),
                let d = reader.long()
            else { return nil }
            return .v6(IPv6Address(high: UInt64(a) << 32 | UInt64(b), low: UInt64(c) << 32 | UInt64(d)))
        case nil:
            return nil
        }
    }

    /// The name a CNAME points at; nil if it is not exactly the record's data.
    func aliasTarget(in message: [UInt8]) -> [UInt8]? {
        var reader = DNSReader(message, at: data.lowerBound)
        guard let name = reader.name(), reader.offset == data.upperBound else { return nil }
        return name
    }

    /// The MINIMUM field of an SOA record (RFC 1035 3.3.13).
    func soaMinimum(in message: [UInt8]) -> UInt32? {
        var reader = DNSReader(message, at: data.lowerBound)
        guard reader.name() != nil, reader.name() != nil, reader.skip(16), let minimum = reader.long(),
            reader.offset == data.upperBound
        else { return nil }
        return minimum
    }
}
