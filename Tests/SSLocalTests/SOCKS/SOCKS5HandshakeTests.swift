import SSCommon
import Testing

@testable import sslocal

/// What a client got to see and the front got to know.
struct SOCKSOutcome: Equatable {
    var sent: [UInt8] = []
    var request: SOCKSRequest?
    var fault: SOCKSFault?
    var early: [UInt8] = []
}

/// Feeds segments to a SOCKS5 machine like the handler does.
func runSOCKS5(_ segments: [[UInt8]], users: FrontUsers = FrontUsers()) -> SOCKSOutcome {
    var machine = SOCKS5Handshake(users: users)
    var outcome = SOCKSOutcome()
    var input: [UInt8] = []
    var done = false
    for segment in segments {
        input += segment
        while !done {
            let step = machine.next(input.span.bytes)
            if case .needMore = step { break }
            switch step {
            case .needMore: break
            case .send(let bytes, let consumed):
                outcome.sent += bytes
                input.removeFirst(consumed)
            case .request(let request, let consumed):
                outcome.request = request
                input.removeFirst(consumed)
                done = true
            case .refuse(let bytes, let fault):
                outcome.sent += bytes
                outcome.fault = fault
                done = true
            }
        }
    }
    if outcome.request != nil { outcome.early = input }
    return outcome
}

private let example = TargetAddress(host: "example.com", port: 443)!
private let examplePart = join([3, 11], ascii("example.com"), [1, 187])

@Suite struct SOCKS5HandshakeTests {
    @Test("a greeting and a CONNECT in every cut give the target and keep early data")
    func connectInEveryCut() {
        let bytes = join([5, 1, 0, 5, 1, 0], examplePart, ascii("early"))
        for cut in feeds(bytes) {
            let outcome = runSOCKS5(cut)
            #expect(outcome.request == .connect(example))
            #expect(outcome.sent == [5, 0])
            #expect(outcome.early == ascii("early"))
        }
    }

    @Test("greeting, password, request and early data in every cut")
    func passwordInEveryCut() {
        let users = FrontUsers([FrontUser(name: "alice", password: "s3cret")])
        let login = join([1, 5], ascii("alice"), [6], ascii("s3cret"))
        let bytes = join([5, 2, 0, 2], login, [5, 1, 0], examplePart, [22, 3, 1])
        for cut in feeds(bytes) {
            let outcome = runSOCKS5(cut, users: users)
            #expect(outcome.request == .connect(example))
            #expect(outcome.sent == [5, 2, 1, 0])
            #expect(outcome.early == [22, 3, 1])
        }
    }

    @Test(
        "every address type is read",
        arguments: [
            ([1, 192, 0, 2, 1, 0, 80], "192.0.2.1"),
            ([4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80], "2001:db8::1"),
            (join([3, 9], ascii("127.0.0.1"), [0, 80]), "127.0.0.1"),
            (join([3, 5], ascii("[::1]"), [0, 80]), "::1"),
            (join([3, 4], ascii("a.io"), [0, 80]), "a.io"),
        ] as [([UInt8], String)])
    func addressTypes(bytes: [UInt8], host: String) {
        for cut in feeds([5, 1, 0, 5, 1, 0] + bytes) {
            #expect(runSOCKS5(cut).request == .connect(TargetAddress(host: host, port: 80)!))
        }
    }

    @Test("a name that is an IP literal becomes that IP, a lenient spelling stays a name")
    func literals() {
        let literal = runSOCKS5([join([5, 1, 0, 5, 1, 0, 3, 3], ascii("::1"), [0, 1])])
        #expect(literal.request == .connect(TargetAddress(.ip(.v6(IPv6Address(high: 0, low: 1))), port: 1)))
        let lenient = runSOCKS5([join([5, 1, 0, 5, 1, 0, 3, 5], ascii("127.1"), [0, 1])])
        #expect(lenient.request == .connect(TargetAddress(.name(HostName("127.1")!), port: 1)))
    }

    @Test("UDP ASSOCIATE gives the hint")
    func associate() {
        for cut in feeds([5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0]) {
            #expect(runSOCKS5(cut).request == .associate(TargetAddress(host: "0.0.0.0", port: 0)!))
        }
    }

    /// The method choice, then a reply with this code and no address.
    private static func failed(_ code: UInt8) -> [UInt8] { [5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0] }

    @Test(
        "what cannot be served gets its reply code",
        arguments: [
            ([5, 0], [5, 0xff], .noMethodOffered),
            ([5, 1, 2], [5, 0xff], .noMethodAcceptable),
            ([5, 2, 1, 2], [5, 0xff], .noMethodAcceptable),
            ([5, 1, 0, 4, 1, 0], failed(1), .badVersion),
            (join([5, 1, 0, 5, 2, 0], examplePart), failed(7), .commandUnsupported),
            (join([5, 1, 0, 5, 9, 0], examplePart), failed(7), .commandUnsupported),
            ([5, 1, 0, 5, 1, 0, 2, 0], failed(8), .addressUnsupported),
            ([5, 1, 0, 5, 1, 0, 0x11, 0], failed(8), .addressUnsupported),
            ([5, 1, 0, 5, 1, 0, 3, 0, 0, 80], failed(1), .badName),
            ([5, 1, 0, 5, 1, 0, 3, 3, 97, 0, 98, 0, 80], failed(1), .badName),
            ([5, 1, 0, 5, 1, 0, 3, 3, 91, 97, 93, 0, 80], failed(1), .badName),
        ] as [([UInt8], [UInt8], SOCKSFault)])
    func refusals(bytes: [UInt8], reply: [UInt8], fault: SOCKSFault) {
        for cut in feeds(bytes) {
            let outcome = runSOCKS5(cut)
            #expect(outcome.sent == reply)
            #expect(outcome.fault == fault)
            #expect(outcome.request == nil)
        }
    }

    @Test(
        "a port with users refuses everything but the right password",
        arguments: [
            ([5, 1, 0], [5, 0xff], .noMethodAcceptable),
            ([5, 1, 2, 1, 1, 97, 1, 98], [5, 2, 1, 1], .wrongCredentials),
            (join([5, 1, 2, 1, 5], ascii("alice"), [0]), [5, 2, 1, 1], .wrongCredentials),
            (join([5, 1, 2, 1, 0, 6], ascii("s3cret")), [5, 2, 1, 1], .wrongCredentials),
            (join([5, 1, 2, 1, 5], ascii("alice"), [7], ascii("s3cret!")), [5, 2, 1, 1], .wrongCredentials),
            (join([5, 1, 2, 1, 3], ascii("bob"), [6], ascii("s3cret")), [5, 2, 1, 1], .wrongCredentials),
            ([5, 1, 2, 5, 1, 0], [5, 2, 1, 1], .badVersion),
        ] as [([UInt8], [UInt8], SOCKSFault)])
    func wrongUsers(bytes: [UInt8], reply: [UInt8], fault: SOCKSFault) {
        let users = FrontUsers([
            FrontUser(name: "alice", password: "s3cret"), FrontUser(name: "bob", password: "other"),
        ])
        for cut in feeds(bytes) {
            let outcome = runSOCKS5(cut, users: users)
            #expect(outcome.sent == reply)
            #expect(outcome.fault == fault)
        }
    }

    @Test("the longest messages are accepted")
    func longest() {
        let name = [UInt8](repeating: 97, count: 255)
        let users = FrontUsers([FrontUser(name: name, password: name)])
        let methods = join([5, 255], [UInt8](repeating: 2, count: 255))
        let login = join([1, 255], name, [255], name)
        let outcome = runSOCKS5([join(methods, login, [5, 1, 0, 3, 255], name, [0, 1])], users: users)
        #expect(outcome.request == .connect(TargetAddress(.name(HostName(name)!), port: 1)))
    }

    @Test("a short read consumes nothing")
    func shortReads() {
        var machine = SOCKS5Handshake(users: FrontUsers())
        let bytes: [UInt8] = [5, 2, 0]
        for _ in 0..<2 {
            let step = machine.next(bytes.span.bytes)
            #expect(step == .needMore)
        }
    }

    @Test("random bytes never trap")
    func noise() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0..<40)).map { _ in UInt8.random(in: 0...8, using: &generator) }
            if Bool.random() { bytes = [5, 1, 0, 5, 1, 0] + bytes }
            _ = runSOCKS5([bytes])
            _ = SOCKS4Request.next(bytes.span.bytes, users: FrontUsers())
            _ = try? SOCKSUDPHeader.read(bytes.span.bytes)
        }
    }
}
