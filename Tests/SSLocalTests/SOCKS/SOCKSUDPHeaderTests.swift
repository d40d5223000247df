import SSCommon
import SSNetwork
import Testing

@testable import sslocal

@Suite struct SOCKSUDPHeaderTests {
    @Test(
        "what is written is read back, with the payload behind it",
        arguments: ["192.0.2.7", "2001:db8::5", "example.org", "::ffff:192.0.2.1"])
    func roundTrip(host: String) throws {
        let header = SOCKSUDPHeader(target: TargetAddress(host: host, port: 53)!)
        let datagram = header.encoded + [1, 2, 3]
        let (read, offset) = try SOCKSUDPHeader.read(datagram.span.bytes)
        #expect(read == header)
        #expect(Array(datagram[offset...]) == [1, 2, 3])
        for length in 0..<header.encoded.count {
            let short = Array(datagram[..<length])
            #expect(throws: SOCKSUDPFault.truncated) { try SOCKSUDPHeader.read(short.span.bytes) }
        }
    }

    @Test("an empty payload is fine")
    func emptyPayload() throws {
        let bytes = SOCKSUDPHeader(target: TargetAddress(host: "1.2.3.4", port: 5)!).encoded
        #expect(try SOCKSUDPHeader.read(bytes.span.bytes).payloadOffset == bytes.count)
    }

    @Test(
        "what is not whole, not plain or not an address is dropped",
        arguments: [
            ([0, 1, 0, 1, 1, 2, 3, 4, 0, 5], .reserved),
            ([1, 0, 0, 1, 1, 2, 3, 4, 0, 5], .reserved),
            ([0, 0, 1, 1, 1, 2, 3, 4, 0, 5], .fragment),
            ([0, 0, 0x80, 1, 1, 2, 3, 4, 0, 5], .fragment),
            ([0, 0, 0, 2, 1, 2, 3, 4, 0, 5], .badAddress),
            ([0, 0, 0, 3, 0, 0, 5], .badAddress),
            ([0, 0, 0, 3, 1, 0, 0, 5], .badAddress),
        ] as [([UInt8], SOCKSUDPFault)])
    func drops(bytes: [UInt8], fault: SOCKSUDPFault) {
        #expect(throws: fault) { try SOCKSUDPHeader.read(bytes.span.bytes) }
    }
}

@Suite struct ProtocolSnifferTests {
    @Test("the first byte decides, and most bytes are nothing")
    func everyByte() {
        for byte in UInt8.min...UInt8.max {
            switch byte {
            case 4: #expect(FrontProtocol(firstByte: byte) == .socks4)
            case 5: #expect(FrontProtocol(firstByte: byte) == .socks5)
            case 65...90, 97...122: #expect(FrontProtocol(firstByte: byte) == .http)
            default: #expect(FrontProtocol(firstByte: byte) == nil)
            }
        }
    }
}

@Suite struct DialErrorAnswerTests {
    @Test(
        "a failed dial has its SOCKS5 code and its HTTP status",
        arguments: [
            (.nameNotFound, 4, 502), (.refused, 5, 502), (.unreachable, 4, 502), (.timedOut, 6, 504),
            (.notAllowed, 2, 403), (.exhausted, 1, 503), (.failed("x"), 1, 502),
        ] as [(DialError, UInt8, Int)])
    func codes(error: DialError, code: UInt8, status: Int) {
        #expect(error.socks5Code.rawValue == code)
        #expect(ErrorPage(error, reach: .server).status == status)
        #expect(ErrorPage(error, reach: .target).status == status)
    }
}
