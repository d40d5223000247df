// A request from a program: its head whole and in pieces, what it is understood to be, and the head made of it for the
// origin, which a strict reader must understand as the same request: the two readings of a smuggled one differ.
// words: http
import SSCommon

@testable import Front

private let via = "fuzz"

private struct Outcome: Equatable {
    var bytes: [UInt8]?
    var fields: [HTTPField] = []
    var consumed = 0
    var fault: HTTPFault?
}

private func read(_ wire: [UInt8], pieces: Int) -> (Outcome, HTTPHead?) {
    var parser = HTTPHeadParser(.request)
    var received = 0
    while received < wire.count {
        received = min(received + pieces, wire.count)
        let bytes = Array(wire[..<received])
        do throws(HTTPFault) {
            guard let (head, consumed) = try parser.parse(bytes.span.bytes) else { continue }
            return (Outcome(bytes: head.bytes, fields: head.fields, consumed: consumed), head)
        } catch {
            return (Outcome(fault: error), nil)
        }
    }
    return (Outcome(), nil)
}

private func checkHead(_ head: HTTPHead) {
    check(head.fields.count <= HTTPHeadParser.maximumFields, "too many fields")
    for field in head.fields {
        check(!head.name(field).isEmpty && head.name(field).allSatisfy(isTokenByte), "a name that is no token")
        let value = head.value(field)
        check(value.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }, "a control byte in a value")
        check(trimmed(value).count == value.count, "white space round a value")
    }
}

/// The end-to-end fields as they go on: names and values.
private func passing(_ request: HTTPRequest) -> [[UInt8]] {
    request.head.fields.filter { $0.kind == .other && !request.connection.removes($0, of: request.head) }.map {
        Array(request.head.name($0)) + [0] + Array(request.head.value($0))
    }
}

/// Encodes `request` as it is forwarded and reads it as the origin would.
private func forward(_ request: HTTPRequest, _ authority: HTTPAuthority, _ path: [UInt8]) {
    let bytes = ForwardedRequest.encode(request, authority: authority, path: path, via: via)
    check(bytes.count <= request.head.bytes.count + 1024, "grows")
    if request.head.fields.count > 90 { return }
    let (outcome, head) = read(bytes, pieces: bytes.count)
    guard let head, outcome.consumed == bytes.count else { fatalError("what is sent on is not one head") }
    checkHead(head)
    guard let again = try? HTTPRequest(head) else { fatalError("what is sent on is no request") }
    check(again.method.elementsEqual(request.method), "another method")
    check(again.framing == request.framing, "another body")
    check(again.minorVersion == 1, "another version")
    check(again.target == (path == [UInt8(ascii: "*")] ? .asterisk : .origin(path)), "another target")
    check(again.host?.target(defaultPort: 80) == authority.target(defaultPort: 80), "another host")
    check(again.hasPassed(via), "no trace of the proxy")
    check(again.persists == request.persists, "another opinion of persistence")
    check(again.wantsUpgrade?.map(Array.init) == request.wantsUpgrade?.map(Array.init), "another upgrade")
    check(again.acceptsTrailers == request.acceptsTrailers, "another opinion of trailers")
    check(passing(again) == passing(request), "a field was lost, added or changed")
    for field in head.fields {
        check(field.kind != .proxyAuthorization && field.kind != .proxyConnection, "a field of the hop goes on")
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    let pieces = Int(input.byte()) + 1
    var wire = input.rest()
    if mode & 1 == 1 {
        // Fields alone, to get past the request line more often.
        wire = Array("POST http://h/ HTTP/1.1\r\nHost: h\r\n".utf8) + wire + Array("\r\n\r\n".utf8)
    }
    let (whole, head) = read(wire, pieces: max(wire.count, 1))
    check(whole == read(wire, pieces: pieces).0, "a cut changes the head")
    guard let head else { return 0 }
    checkHead(head)
    guard let request = try? HTTPRequest(head) else { return 0 }
    let users = FrontUsers(mode & 2 == 2 ? [FrontUser(name: "u", password: "p")] : [])
    let router = HTTPRouter(users: users, via: via, ownAddress: Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 1080))
    switch router.route(request) {
    case .tunnel: check(request.framing == .none, "a tunnel with a body")
    case .forward(let authority, let path, let target):
        check(authority.target(defaultPort: 80) == target, "dials another host than it names")
        forward(request, authority, path)
    case .answer: break
    }
    return 0
}
