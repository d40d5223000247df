// A response from an origin: its head whole and in pieces, and the head made of it for the client, which must be
// spelled strictly and give the client the body that we are going to send.
// words: http
import SSCommon

@testable import Front

private let requests = [
    "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "GET http://h/ HTTP/1.0\r\n\r\n",
    "GET http://h/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "HEAD http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
].map { text -> HTTPRequest in
    var parser = HTTPHeadParser(.request)
    let bytes = Array(text.utf8)
    guard let (head, _) = try? parser.parse(bytes.span.bytes), let request = try? HTTPRequest(head) else {
        fatalError("one of the requests is none")
    }
    return request
}

private struct Outcome: Equatable {
    var bytes: [UInt8]?
    var fields: [HTTPField] = []
    var consumed = 0
    var fault: HTTPFault?
}

private func read(_ wire: [UInt8], pieces: Int) -> (Outcome, HTTPHead?) {
    var parser = HTTPHeadParser(.response)
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

/// Reads a head as strictly as a request: no fold, no lone LF, no space before a colon.
private func checkSpelling(_ bytes: [UInt8]) {
    guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { fatalError("a head without an end") }
    let request = Array("GET / HTTP/1.1\r\n".utf8) + bytes[(end + 1)...]
    var parser = HTTPHeadParser(.request)
    guard let (_, consumed) = try? parser.parse(request.span.bytes) else { fatalError("a head spelled loosely") }
    check(consumed == request.count, "more than one head")
    check(end > 0 && bytes[end - 1] == UInt8(ascii: "\r"), "a status line without CR")
}

private func forward(_ response: HTTPResponse, to request: HTTPRequest) {
    guard
        let forwarded = try? ForwardedResponse(
            response, to: request, via: "fuzz", date: HTTPDate.text(0), mayPersist: true)
    else { return }
    check(forwarded.bytes.count <= response.head.bytes.count + 1024, "grows")
    if response.head.fields.count > 90 { return }
    checkSpelling(forwarded.bytes)
    let (_, head) = read(forwarded.bytes, pieces: forwarded.bytes.count)
    guard let head, let again = try? HTTPResponse(head, toHEAD: request.isMethod("HEAD")) else {
        fatalError("what is sent on is no response")
    }
    check(again.status == response.status, "another status")
    switch forwarded.body {
    case .none: check(again.framing == .none, "no body, but the client awaits one")
    case .counted: check(again.framing == response.framing, "another length")
    case .chunked: check(again.framing == .chunked && again.leavesConnectionUsable, "no chunks for the client")
    case .untilClose: check(again.framing == .untilClose, "the client awaits no end by the close")
    }
    check(forwarded.persists || !again.connection.persists(minorVersion: request.minorVersion), "persists all the same")
    check(!forwarded.persists || again.leavesConnectionUsable, "the client will close")
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let mode = input.byte()
    let pieces = Int(input.byte()) + 1
    var wire = input.rest()
    if mode & 1 == 1 { wire = Array("HTTP/1.1 200 OK\r\n".utf8) + wire + Array("\r\n\r\n".utf8) }
    let (whole, head) = read(wire, pieces: max(wire.count, 1))
    check(whole == read(wire, pieces: pieces).0, "a cut changes the head")
    guard let head else { return 0 }
    checkHead(head)
    let request = requests[Int(mode >> 1) % requests.count]
    guard let response = try? HTTPResponse(head, toHEAD: request.isMethod("HEAD")) else { return 0 }
    if response.isInterim {
        checkSpelling(ForwardedResponse.interim(response, via: "fuzz"))
    } else if response.status == 101 {
        checkSpelling(ForwardedResponse.switching(response, via: "fuzz"))
    } else {
        forward(response, to: request)
    }
    return 0
}
