// Messages of the kernel's, as a netlink socket gives them (netlink(7)): several in one answer, each with its length.

struct NetlinkMessage {
    let kind: UInt16
    let flags: UInt16
    let sequence: UInt32
    let body: ArraySlice<UInt8>

    /// What an answer that comes in parts has come to.
    enum Outcome {
        case more, end
        /// It could not be given, or not all of it.
        case failure
    }

    /// NLMSG_ERROR, NLMSG_DONE
    static let error: UInt16 = 2
    static let done: UInt16 = 3
    private static let head = 16

    /// Takes the next message off `answer`; nil where no whole one is left.
    init?(from answer: inout ArraySlice<UInt8>) {
        guard answer.count >= Self.head else { return nil }
        let length = Int(answer.number(0, as: UInt32.self))
        guard length >= Self.head, length <= answer.count else { return nil }
        kind = answer.number(4, as: UInt16.self)
        flags = answer.number(6, as: UInt16.self)
        sequence = answer.number(8, as: UInt32.self)
        body = answer.prefix(length).dropFirst(Self.head)
        answer = answer.dropFirst((length + 3) & ~3)
    }
}

extension ArraySlice<UInt8> {
    /// There are enough bytes at `offset`; in the order of this machine.
    func number<Number: FixedWidthInteger>(_ offset: Int, as _: Number.Type) -> Number {
        withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
    }
}
