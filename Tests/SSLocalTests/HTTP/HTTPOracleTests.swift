// The front's parser held against NIOHTTP1's (llhttp): what it does that a proxy cannot use, and that wherever both
// take a message, they see the same message. A difference there would be a way to smuggle a request past one of them.
import NIOCore
import NIOEmbedded
import NIOHTTP1
import SSCommon
import Testing

@testable import sslocal

/// What a parser made of a stream of requests.
private struct Seen: Equatable {
    var requests: [[String]] = []
    var bodies: [[UInt8]] = []
    var refused = false
}

private func llhttp(_ bytes: [UInt8]) -> Seen {
    let channel = EmbeddedChannel(
        handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
    var seen = Seen()
    do { try channel.writeInbound(ByteBuffer(bytes: bytes)) } catch { seen.refused = true }
    var body: [UInt8] = []
    while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
        switch part {
        case .head(let head):
            // NIO leaves the white space behind a value to whoever asks for it in canonical form.
            let fields = head.headers.map { field in
                "\(field.name)=" + String(decoding: trimmed(Array(field.value.utf8)[...]), as: UTF8.self)
            }
            seen.requests.append(["\(head.method.rawValue) \(head.uri)"] + fields)
            body = []
        case .body(let bytes): body += Array(bytes.readableBytesView)
        case .end: seen.bodies.append(body)
        }
    }
    _ = try? channel.finish()
    return seen
}

private func ours(_ bytes: [UInt8]) -> Seen {
    var seen = Seen()
    var input = bytes
    do throws(HTTPFault) {
        while !input.isEmpty {
            var parser = HTTPHeadParser(.request)
            guard let (head, consumed) = try parser.parse(input.span.bytes) else { break }
            input.removeFirst(consumed)
            let request = try HTTPRequest(head)
            let line = try HTTPRequestLine(head.bytes[head.startLine])
            let start =
                String(decoding: line.method, as: UTF8.self) + " " + String(decoding: line.target, as: UTF8.self)
            seen.requests.append([start] + described(head))
            let body = try readBody([input], request.framing)
            guard body.ended else { break }
            seen.bodies.append(body.data)
            input = body.rest
        }
    } catch {
        seen.refused = true
    }
    return seen
}

@Suite struct HTTPOracleTests {
    @Test(
        "llhttp takes what a proxy must refuse",
        arguments: [
            "GET  http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\n\r\n", "GET http://a/#f HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST http://a/ HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;"
                + String(repeating: "a", count: 60_000)
                + "\r\nx\r\n0\r\n\r\n",
            String(repeating: "\r\n", count: 1000) + "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        ])
    func looser(text: String) {
        #expect(!llhttp(latin1(text)).refused)
        #expect(ours(latin1(text)).refused)
    }

    @Test("llhttp refuses or damages what a proxy must pass")
    func stricter() {
        let unknown = latin1("BREW http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(llhttp(unknown).refused)
        #expect(!ours(unknown).refused)

        let latin = latin1("GET http://a/ HTTP/1.1\r\nHost: a\r\nX: caf\u{e9}\r\n\r\n")
        #expect(llhttp(latin).requests.first?.last == "X=caf\u{fffd}")

        // It stops for good after an offer to upgrade, whether or not anybody takes it.
        let next = "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"
        let upgrade = "GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
        #expect(llhttp(latin1(upgrade + next)).requests.count == 1)
        #expect(ours(latin1(upgrade + next)).requests.count == 2)
    }

    /// Up to where the first of the two refuses, both must have seen the same requests and the same bodies. What only
    /// llhttp takes is refused here, which smuggles nothing; what only we take are methods it does not list.
    @Test("mutated requests are never understood in two ways")
    func differential() {
        let seeds = [
            "GET http://a/ HTTP/1.1\r\nHost: a\r\nAccept: x\r\n\r\nGET http://b/ HTTP/1.1\r\nHost: b\r\n\r\n",
            "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello worldGET http://b/ HTTP/1.1\r\nHost: b\r\n\r\n",
            "POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nT: v\r\n\r\n"
                + "GET http://b/ HTTP/1.1\r\nHost: b\r\n\r\n",
            "PUT http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ].map(latin1)
        let alphabet = latin1("\r\n\t :,;=0123456789abcdefxXTGE\"/\\#@\0\u{b}\u{7f}-+") + latin1("\r\n")
        var generator = SystemRandomNumberGenerator()
        var taken = 0
        for round in 0..<6000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                let byte = alphabet.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = byte
                case 1: bytes.insert(byte, at: index)
                default: bytes.remove(at: index)
                }
            }
            let mine = ours(bytes)
            let theirs = llhttp(bytes)
            // What one refuses stops there; up to that point they must have seen the same.
            let shorter = min(mine.requests.count, theirs.requests.count)
            let text = String(decoding: bytes, as: UTF8.self).debugDescription
            #expect(mine.requests[..<shorter] == theirs.requests[..<shorter], "\(text)")
            let bodies = min(mine.bodies.count, theirs.bodies.count)
            #expect(mine.bodies[..<bodies] == theirs.bodies[..<bodies], "\(text)")
            if mine.refused || theirs.refused { continue }
            taken += 1
            #expect(mine.requests.count == theirs.requests.count, "\(text)")
        }
        #expect(taken > 100)
    }
}
