// The messages that nf_tables takes changes in (linux/netlink.h, linux/netfilter/nfnetlink.h, nf_tables.h): lengths and
// types in the order of this machine's bytes, what is in the attributes in that of the network.
internal import SSCommon

struct NFTBatch {
    private(set) var bytes: [UInt8] = []
    /// Of the message that was written last.
    private(set) var sequence: UInt32
    /// Of the one that the kernel is asked to answer.
    private(set) var lastStep: UInt32 = 0

    enum Kind {
        static let begin: UInt16 = 16
        static let end: UInt16 = 17
        /// NFNL_SUBSYS_NFTABLES
        static let tables: UInt16 = 10
        /// NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM
        static let add = tables << 8 | 12
        static let list = tables << 8 | 13
        static let delete = tables << 8 | 14
    }

    /// NLM_F_...
    enum Flag {
        static let request: UInt16 = 0x1
        static let acknowledge: UInt16 = 0x4
        static let create: UInt16 = 0x400
        static let dump: UInt16 = 0x300
        static let interrupted: UInt16 = 0x10
    }

    /// NFTA_SET_ELEM_LIST_..., NFTA_LIST_ELEM, NFTA_SET_ELEM_..., NFTA_DATA_VALUE
    enum Attribute {
        static let table: UInt16 = 1
        static let set: UInt16 = 2
        static let elements: UInt16 = 3
        static let element: UInt16 = 1
        static let key: UInt16 = 1
        static let timeout: UInt16 = 4
        static let expiration: UInt16 = 5
        static let value: UInt16 = 1
        static let nested: UInt16 = 0x8000
    }

    /// NFPROTO_INET
    private static let inet: UInt8 = 1

    init(first: UInt32) {
        sequence = first &- 1
    }

    mutating func begin() {
        message(Kind.begin, flags: Flag.request, family: 0, subject: Kind.tables) { _ in }
    }

    mutating func end() {
        message(Kind.end, flags: Flag.request, family: 0, subject: Kind.tables) { _ in }
    }

    mutating func add(_ step: NFTStep, isLast: Bool) {
        message(Kind.add, of: step, isTimed: false, isLast: false)
        message(Kind.delete, of: step, isTimed: false, isLast: isLast && !step.isBan)
        if step.isBan { message(Kind.add, of: step, isTimed: true, isLast: isLast) }
        if isLast { lastStep = sequence }
    }

    /// Asks for all elements of a set.
    static func listing(of set: String, sequence: UInt32) -> [UInt8] {
        var batch = NFTBatch(first: sequence)
        batch.message(Kind.list, flags: Flag.request | Flag.dump, family: inet, subject: 0) { batch in
            batch.attribute(Attribute.table) { $0.bytes += Array("autoban\0".utf8) }
            batch.attribute(Attribute.set) { $0.bytes += Array("\(set)\0".utf8) }
        }
        return batch.bytes
    }

    private mutating func message(_ kind: UInt16, of step: NFTStep, isTimed: Bool, isLast: Bool) {
        let flags = Flag.request | (kind == Kind.add ? Flag.create : 0) | (isLast ? Flag.acknowledge : 0)
        message(kind, flags: flags, family: Self.inet, subject: 0) { batch in
            batch.attribute(Attribute.table) { $0.bytes += Array("autoban\0".utf8) }
            batch.attribute(Attribute.set) { $0.bytes += Array("\(step.set.name)\0".utf8) }
            batch.attribute(Attribute.elements | Attribute.nested) { batch in
                for element in step.elements { batch.element(element.address, isTimed ? element.seconds : nil) }
            }
        }
    }

    private mutating func element(_ address: IPAddress, _ seconds: UInt32?) {
        attribute(Attribute.element | Attribute.nested) { batch in
            batch.attribute(Attribute.key | Attribute.nested) { batch in
                batch.attribute(Attribute.value) { batch in
                    switch address {
                    case .v4(let address): batch.append(address.value.bigEndian)
                    case .v6(let address):
                        batch.append(address.high.bigEndian)
                        batch.append(address.low.bigEndian)
                    }
                }
            }
            guard let seconds else { return }
            // In milliseconds.
            batch.attribute(Attribute.timeout) { $0.append((UInt64(seconds) * 1000).bigEndian) }
        }
    }

    private mutating func message(
        _ kind: UInt16, flags: UInt16, family: UInt8, subject: UInt16, _ body: (inout NFTBatch) -> Void
    ) {
        sequence &+= 1
        let start = bytes.count
        append(UInt32(0))
        append(kind)
        append(flags)
        append(sequence)
        append(UInt32(0))
        bytes += [family, 0]
        append(subject.bigEndian)
        body(&self)
        put(UInt32(bytes.count - start), at: start)
    }

    /// Its length counts the head, and not what fills it up to a multiple of four.
    private mutating func attribute(_ kind: UInt16, _ body: (inout NFTBatch) -> Void) {
        let start = bytes.count
        append(UInt16(0))
        append(kind)
        body(&self)
        put(UInt16(bytes.count - start), at: start)
        bytes += repeatElement(0, count: -bytes.count & 3)
    }

    private mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number) { bytes += $0 }
    }

    private mutating func put(_ number: some FixedWidthInteger, at place: Int) {
        withUnsafeBytes(of: number) { bytes.replaceSubrange(place..<place + $0.count, with: $0) }
    }

    /// The sequence number that the next answer is to, and what was wrong (0: nothing); nil at the end of `answers`.
    static func takeVerdict(_ answers: inout ArraySlice<UInt8>) -> (sequence: UInt32, fault: Int32)? {
        while let answer = NetlinkMessage(from: &answers) {
            if answer.kind == NetlinkMessage.error, answer.body.count >= 4 {
                return (answer.sequence, answer.body.number(0, as: Int32.self))
            }
        }
        return nil
    }
}
