// What the commands ask a running program with: one request over its Unix socket, by calls that block.
package import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

package struct AdminClient: Sendable {
    /// Nobody answers there, or nothing that makes sense.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
        /// Nobody is there at all.
        package var isAbsence = false
    }

    package struct Answer: Sendable {
        /// RFC 9110 section 15.
        package let status: Int
        package let body: [UInt8]

        package var isSuccess: Bool { (200..<300).contains(status) }

        /// Nil for what is no JSON.
        package var json: JSONValue? { JSONDocument(body, path: "answer").root }

        /// What the program says is wrong.
        package var error: String { json?["error"]?.text ?? "status \(status)" }
    }

    /// Answers are no longer than this.
    private static let maximumAnswer = 16 << 20
    package let path: String
    /// Seconds for the program to answer.
    private let patience: Int

    package init(path: String, patience: Int = 30) {
        self.path = path
        self.patience = patience
    }

    /// `path` is percent-encoded.
    package func request(
        _ method: AdminMethod, _ target: String, _ body: JSONNode? = nil
    ) throws(Failure) -> Answer {
        let descriptor: CInt
        do throws(UnixSocket.Failure) {
            descriptor = try UnixSocket.connect(path)
        } catch {
            throw Failure(description: "nobody answers at \(path) (\(error))", isAbsence: true)
        }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        let content = Array((body?.text ?? "").utf8)
        let head =
            "\(method.rawValue) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            + "Content-Type: application/json\r\nContent-Length: \(content.count)\r\n\r\n"
        try Self.send(Array(head.utf8) + content, descriptor)
        return try Self.parse(try Self.readAll(descriptor))
    }

    private static func send(_ bytes: [UInt8], _ descriptor: CInt) throws(Failure) {
        var sent = 0
        while sent < bytes.count {
            #if canImport(Glibc)
                let flags = CInt(MSG_NOSIGNAL)
            #else
                let flags: CInt = 0
            #endif
            let count = bytes.withUnsafeBytes {
                Self.sendOnce(descriptor, $0.baseAddress! + sent, bytes.count - sent, flags)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure(description: "it does not take the request") }
            sent += count
        }
    }

    private static func sendOnce(_ descriptor: CInt, _ bytes: UnsafeRawPointer, _ count: Int, _ flags: CInt) -> Int {
        #if canImport(Glibc)
            Glibc.send(descriptor, bytes, count, flags)
        #else
            Darwin.send(descriptor, bytes, count, flags)
        #endif
    }

    private static func readAll(_ descriptor: CInt) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress!, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(description: "it does not answer in time") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= maximumAnswer else { throw Failure(description: "the answer does not end") }
        }
    }

    /// An answer with `Content-Length` or until the end (RFC 9112 section 6.3), as our server writes them.
    static func parse(_ bytes: [UInt8]) throws(Failure) -> Answer {
        let senseless = Failure(description: "what answers there is not this program")
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { throw senseless }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
        let words = head.prefix { $0 != "\r\n" }.split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { throw senseless }
        return Answer(status: status, body: Array(bytes[end.upperBound...]))
    }
}
