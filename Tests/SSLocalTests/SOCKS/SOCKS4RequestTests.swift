import SSCommon
import Testing

@testable import sslocal

/// Feeds segments to the SOCKS4 parser like the handler does.
private func run(_ segments: [[UInt8]], users: FrontUsers = FrontUsers()) -> SOCKSOutcome {
    var outcome = SOCKSOutcome()
    var input: [UInt8] = []
    for segment in segments {
        input += segment
        if outcome.request != nil || outcome.fault != nil { continue }
        switch SOCKS4Request.next(input.span.bytes, users: users) {
        case .needMore: break
        case .send: Issue.record("SOCKS4 has nothing to send before the reply")
        case .request(let request, let consumed):
            outcome.request = request
            input.removeFirst(consumed)
        case .refuse(let bytes, let fault):
            outcome.sent = bytes
            outcome.fault = fault
        }
    }
    if outcome.request != nil { outcome.early = input }
    return outcome
}

@Suite struct SOCKS4RequestTests {
    private static let long = [UInt8](repeating: 97, count: 256)
    private static let rejected: [UInt8] = [0, 91, 0, 0, 0, 0, 0, 0]

    @Test("an address in every cut")
    func address() {
        for cut in feeds(join([4, 1, 0, 80, 192, 0, 2, 1], ascii("me"), [0], ascii("GET"))) {
            let outcome = run(cut)
            #expect(outcome.request == .connect(TargetAddress(host: "192.0.2.1", port: 80)!))
            #expect(outcome.early == ascii("GET"))
        }
    }

    @Test("a 4a name in every cut")
    func name() {
        for cut in feeds(join([4, 1, 1, 187, 0, 0, 0, 1, 0], ascii("example.com"), [0, 22])) {
            let outcome = run(cut)
            #expect(outcome.request == .connect(TargetAddress(host: "example.com", port: 443)!))
            #expect(outcome.early == [22])
        }
    }

    @Test("0.0.0.0 is an address and no 4a mark")
    func zero() {
        #expect(run([[4, 1, 0, 80, 0, 0, 0, 0, 0]]).request == .connect(TargetAddress(host: "0.0.0.0", port: 80)!))
    }

    @Test("texts of 255 bytes are accepted")
    func longest() {
        let name = [UInt8](repeating: 97, count: 255)
        let outcome = run([join([4, 1, 0, 80, 0, 0, 0, 9], name, [0], name, [0])])
        #expect(outcome.request == .connect(TargetAddress(.name(HostName(name)!), port: 80)))
    }

    @Test(
        "what cannot be served is rejected",
        arguments: [
            ([4, 2, 0, 80, 192, 0, 2, 1, 0], .commandUnsupported),
            (join([4, 1, 0, 80, 192, 0, 2, 1], long), .tooLong),
            (join([4, 1, 0, 80, 0, 0, 0, 1, 0], long), .tooLong),
            ([4, 1, 0, 80, 0, 0, 0, 1, 0, 0], .badName),
        ] as [([UInt8], SOCKSFault)])
    func rejections(bytes: [UInt8], fault: SOCKSFault) {
        for cut in feeds(bytes) {
            let outcome = run(cut)
            #expect(outcome.fault == fault)
            #expect(outcome.sent == Self.rejected)
        }
    }

    @Test("a port with users rejects SOCKS4")
    func users() {
        let outcome = run(
            [[4, 1, 0, 80, 192, 0, 2, 1, 97, 0]], users: FrontUsers([FrontUser(name: "a", password: "b")]))
        #expect(outcome.fault == .usersRequired)
        #expect(outcome.sent == Self.rejected)
    }
}
