// The server side of SOCKS5 up to the request: greeting and method choice (RFC 1928 section 3), user and
// password (RFC 1929), request (RFC 1928 section 4). A value that is shown the bytes not yet consumed and says
// what to do; clients may send all three messages and early data in one segment, or one byte at a time.
// Every message is bounded by its own length bytes: 257, 513 and 262 bytes.
import SSCommon

/// What a SOCKS client asks for.
enum SOCKSRequest: Hashable, Sendable {
    /// A stream to the target.
    case connect(TargetAddress)
    /// A UDP association; the address is where the client means to send from, all zeros if it does not know.
    case associate(TargetAddress)
}

/// Why a SOCKS handshake ended early. The raw value is a constant for the log.
enum SOCKSFault: String, Error {
    case badVersion = "wrong version byte"
    case noMethodOffered = "no authentication method offered"
    case noMethodAcceptable = "no acceptable authentication method"
    case wrongCredentials = "wrong name or password"
    case usersRequired = "this port has users and SOCKS4 has no passwords"
    case commandUnsupported = "command not supported"
    case addressUnsupported = "address type not supported"
    case badName = "not a host name"
    case tooLong = "field too long"
}

/// What to do next.
enum SOCKSStep: Equatable {
    /// Nothing was consumed; ask again with more bytes.
    case needMore
    /// Drop `consumed` bytes, send these, ask again at once.
    case send([UInt8], consumed: Int)
    /// Drop `consumed` bytes; what follows them is early data. The machine is done.
    case request(SOCKSRequest, consumed: Int)
    /// Send these (possibly nothing) and close.
    case refuse([UInt8], SOCKSFault)
}

struct SOCKS5Handshake {
    private enum Phase {
        /// VER NMETHODS METHODS is awaited.
        case greeting
        /// VER ULEN UNAME PLEN PASSWD is awaited.
        case authentication
        /// VER CMD RSV ATYP ADDR PORT is awaited.
        case request
    }

    private let users: FrontUsers
    private var phase = Phase.greeting

    init(users: FrontUsers) { self.users = users }

    /// Looks at `input`, the bytes not yet consumed.
    mutating func next(_ input: RawSpan) -> SOCKSStep {
        switch phase {
        case .greeting: greeting(input)
        case .authentication: authentication(input)
        case .request: request(input)
        }
    }

    private mutating func greeting(_ input: RawSpan) -> SOCKSStep {
        guard input.byteCount >= 1 else { return .needMore }
        if input.octet(0) != 5 { return .refuse([], .badVersion) }
        guard input.byteCount >= 2 else { return .needMore }
        let end = 2 + Int(input.octet(1))
        if end == 2 { return .refuse(SOCKSReply.method(0xff), .noMethodOffered) }
        guard input.byteCount >= end else { return .needMore }
        let wanted: UInt8 = users.required ? 2 : 0
        guard input.firstOffset(of: wanted, in: 2..<end) != nil else {
            return .refuse(SOCKSReply.method(0xff), .noMethodAcceptable)
        }
        phase = users.required ? .authentication : .request
        return .send(SOCKSReply.method(wanted), consumed: end)
    }

    private mutating func authentication(_ input: RawSpan) -> SOCKSStep {
        guard input.byteCount >= 1 else { return .needMore }
        if input.octet(0) != 1 { return .refuse(SOCKSReply.authentication(false), .badVersion) }
        guard input.byteCount >= 2 else { return .needMore }
        let nameEnd = 2 + Int(input.octet(1))
        guard input.byteCount > nameEnd else { return .needMore }
        let end = nameEnd + 1 + Int(input.octet(nameEnd))
        guard input.byteCount >= end else { return .needMore }
        guard users.admit(name: input.copy(2..<nameEnd), password: input.copy(nameEnd + 1..<end)) else {
            return .refuse(SOCKSReply.authentication(false), .wrongCredentials)
        }
        phase = .request
        return .send(SOCKSReply.authentication(true), consumed: end)
    }

    private func request(_ input: RawSpan) -> SOCKSStep {
        guard input.byteCount >= 1 else { return .needMore }
        if input.octet(0) != 5 { return .refuse(SOCKSReply.version5(.failure), .badVersion) }
        guard input.byteCount >= 2 else { return .needMore }
        let command = input.octet(1)
        guard command == 1 || command == 3 else {
            return .refuse(SOCKSReply.version5(.commandUnsupported), .commandUnsupported)
        }
        do throws(SOCKSAddressFault) {
            guard let (target, end) = try SOCKSAddress.read(input, at: 3) else { return .needMore }
            return .request(command == 1 ? .connect(target) : .associate(target), consumed: end)
        } catch {
            switch error {
            case .unknownType:
                return .refuse(SOCKSReply.version5(.addressUnsupported), .addressUnsupported)
            case .invalidName:
                return .refuse(SOCKSReply.version5(.failure), .badName)
            }
        }
    }
}
