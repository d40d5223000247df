// SOCKS4 and 4a, the one message a client sends: VN 4 | CD | DSTPORT | DSTIP | USERID NUL [ NAME NUL ]; the name
// is there when DSTIP is 0.0.0.x with x not 0. Both texts are bounded, since nothing but a NUL ends them.
import SSCommon

enum SOCKS4Request {
    /// Most bytes of the user id and of the name, each without its NUL.
    static let maximumText = 255

    /// Looks at `input`, the bytes received so far. `.send` never comes back.
    static func next(_ input: RawSpan, users: FrontUsers) -> SOCKSStep {
        let rejection = SOCKSReply.version4(granted: false)
        guard input.byteCount >= 1 else { return .needMore }
        if input.octet(0) != 4 { return .refuse([], .badVersion) }
        // SOCKS4 carries a name but no password, so it can prove nothing.
        if users.required { return .refuse(rejection, .usersRequired) }
        guard input.byteCount >= 2 else { return .needMore }
        if input.octet(1) != 1 { return .refuse(rejection, .commandUnsupported) }
        guard input.byteCount >= 8 else { return .needMore }
        let port = input.bigEndian16(2)
        let address = input.bigEndian32(4)
        switch text(input, from: 8) {
        case .unfinished: return .needMore
        case .tooLong: return .refuse(rejection, .tooLong)
        case .end(let userEnd):
            guard (1...255).contains(address) else {
                let target = TargetAddress(.ip(.v4(IPv4Address(address))), port: port)
                return .request(.connect(target), consumed: userEnd + 1)
            }
            return named(input, from: userEnd + 1, port: port, rejection: rejection)
        }
    }

    private static func named(_ input: RawSpan, from start: Int, port: UInt16, rejection: [UInt8]) -> SOCKSStep {
        switch text(input, from: start) {
        case .unfinished: return .needMore
        case .tooLong: return .refuse(rejection, .tooLong)
        case .end(let end):
            guard let target = try? SOCKSAddress.target(name: input.copy(start..<end), port: port) else {
                return .refuse(rejection, .badName)
            }
            return .request(.connect(target), consumed: end + 1)
        }
    }

    private enum Text {
        /// No NUL yet and still within bounds.
        case unfinished
        /// More than `maximumText` bytes without a NUL.
        case tooLong
        /// The offset of the NUL.
        case end(Int)
    }

    private static func text(_ input: RawSpan, from start: Int) -> Text {
        let limit = start + maximumText + 1
        if let end = input.firstOffset(of: 0, in: start..<min(max(input.byteCount, start), limit)) { return .end(end) }
        return input.byteCount >= limit ? .tooLong : .unfinished
    }
}
