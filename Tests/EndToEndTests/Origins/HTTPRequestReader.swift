// Reads one request: head, body by length or by chunks (RFC 9112 sections 6 and 7), trailers.
import Foundation

struct HTTPRequestReader {
    let connection: Socket

    init(_ connection: Socket) { self.connection = connection }

    /// The next request; nil when the peer closes between two.
    func next() throws -> OriginRequest? {
        guard let head = try head() else { return nil }
        let lines = head.components(separatedBy: "\r\n")
        let start = lines[0].components(separatedBy: " ")
        guard start.count == 3 else { throw HarnessError("not a request line: \(lines[0])") }
        let fields = lines.dropFirst().filter { !$0.isEmpty }.map(Self.field)
        func value(_ name: String) -> String? { fields.first { $0.name.lowercased() == name }?.value }

        if value("expect")?.lowercased() == "100-continue" { try connection.send("HTTP/1.1 100 Continue\r\n\r\n") }
        let digest = Digest()
        var trailers: [String] = []
        if value("transfer-encoding")?.lowercased() == "chunked" {
            trailers = try readChunks(into: digest)
        } else if let length = value("content-length").flatMap(Int.init) {
            try read(length, into: digest)
        }
        return OriginRequest(
            method: start[0], path: start[1], version: start[2], fields: fields,
            bodyLength: digest.count, bodyDigest: digest.hex(), trailers: trailers)
    }

    private func head() throws -> String? {
        guard let first = try? connection.receive(1, seconds: 60), !first.isEmpty else { return nil }
        return String(decoding: first, as: UTF8.self) + (try connection.receive(through: "\r\n\r\n"))
    }

    private static func field(_ line: String) -> (name: String, value: String) {
        guard let colon = line.firstIndex(of: ":") else { return (line, "") }
        return (String(line[..<colon]), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces))
    }

    private func read(_ count: Int, into digest: Digest) throws {
        var left = count
        while left > 0 {
            let part = try connection.receive(min(left, 1 << 18), seconds: 20)
            if part.isEmpty { throw SocketError.closedEarly(got: count - left) }
            digest.add(part)
            left -= part.count
        }
    }

    private func readChunks(into digest: Digest) throws -> [String] {
        while true {
            let line = try connection.receive(through: "\r\n").dropLast(1)
            let size = line.prefix { $0.isHexDigit }
            guard let count = Int(size, radix: 16) else { throw HarnessError("not a chunk size: \(line)") }
            if count == 0 { break }
            try read(count, into: digest)
            guard try connection.receive(exactly: 2) == Array("\r\n".utf8) else {
                throw HarnessError("a chunk without its end")
            }
        }
        var trailers: [String] = []
        while true {
            let line = try connection.receive(through: "\r\n")
            if line == "\r\n" { return trailers }
            trailers.append(line.trimmingCharacters(in: .newlines))
        }
    }
}
