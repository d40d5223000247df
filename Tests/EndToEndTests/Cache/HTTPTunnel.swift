// A client that speaks HTTP/1.1 in a tunnel and tells an answer that ended from one that was cut.
import Foundation

struct HTTPAnswer: Sendable {
    /// Codes of the 1xx answers before it.
    var interim: [Int] = []
    var version = ""
    var status = 0
    var fields: [(name: String, value: String)] = []
    var body: [UInt8] = []
    var trailers: [String] = []
    /// False when the connection ended before the message did.
    var isWhole = true
    /// Only the close ended it.
    var endsByClose = false

    func values(_ name: String) -> [String] {
        fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }

    subscript(name: String) -> String { values(name).joined(separator: ", ") }
    var text: String { String(decoding: body, as: UTF8.self) }
    var cacheStatus: String { self["Cache-Status"] }
    var isHit: Bool { cacheStatus.hasPrefix("ssserver; hit") }
    /// Seconds; nil without exactly one valid line.
    var age: Int? { Int(self["Age"]) }
}

final class HTTPTunnel {
    let socket: Socket
    private var buffer: [UInt8] = []

    init(_ socket: Socket) { self.socket = socket }

    func send(_ text: String) throws { try socket.send(text) }
    func close() { socket.close() }

    /// The next answer, to a request of that method.
    func answer(to method: String = "GET", seconds: Double = 8) throws -> HTTPAnswer {
        let deadline = Deadline(seconds)
        var answer = try head(deadline)
        while answer.status / 100 == 1, answer.status != 101 {
            let code = answer.status
            let interim = answer.interim
            answer = try head(deadline)
            answer.interim = interim + [code]
        }
        if method == "HEAD" || [101, 204, 304].contains(answer.status) { return answer }
        if answer["Transfer-Encoding"].lowercased() == "chunked" {
            try readChunks(&answer, deadline)
        } else if let count = Int(answer["Content-Length"]) {
            answer.isWhole = fill(count, deadline)
            answer.body = take(min(count, buffer.count))
        } else {
            answer.endsByClose = true
            while try more(deadline) {}
            answer.body = take(buffer.count)
        }
        return answer
    }

    /// A final or interim head.
    func head(_ deadline: Deadline = Deadline(8)) throws -> HTTPAnswer {
        var lines: [String] = []
        while true {
            guard let line = try line(deadline) else { throw SocketError.closedEarly(got: buffer.count) }
            if line.isEmpty { break }
            lines.append(line)
        }
        guard let first = lines.first, first.hasPrefix("HTTP/1.") else {
            throw HarnessError("not a status line: \(lines.first ?? "")")
        }
        let parts = first.split(separator: " ", maxSplits: 2)
        var answer = HTTPAnswer()
        answer.version = String(parts[0])
        answer.status = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        answer.fields = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            let value = line[colon...].dropFirst().trimmingCharacters(in: .whitespaces)
            return (String(line[..<colon]), value)
        }
        return answer
    }

    /// Whether at least `count` bytes of the body came in time.
    func fill(_ count: Int, _ deadline: Deadline) -> Bool {
        while buffer.count < count {
            guard (try? more(deadline)) == true else { return false }
        }
        return true
    }

    /// What came after the last answer.
    var rest: [UInt8] { buffer }

    private func readChunks(_ answer: inout HTTPAnswer, _ deadline: Deadline) throws {
        while true {
            guard let line = try line(deadline) else { return answer.isWhole = false }
            guard let count = Int(line.prefix { $0.isHexDigit }, radix: 16) else {
                throw HarnessError("not a chunk size: \(line)")
            }
            if count == 0 { break }
            guard fill(count + 2, deadline) else {
                answer.body += take(min(count, buffer.count))
                return answer.isWhole = false
            }
            answer.body += take(count)
            guard take(2) == [13, 10] else { throw HarnessError("a chunk without its end") }
        }
        while true {
            guard let line = try line(deadline) else { return answer.isWhole = false }
            if line.isEmpty { return }
            answer.trailers.append(line)
        }
    }

    /// Without its end; nil when the peer closed.
    private func line(_ deadline: Deadline) throws -> String? {
        while true {
            if let end = buffer.firstIndex(of: 10) {
                guard end > 0, buffer[end - 1] == 13 else { throw HarnessError("a bare line feed") }
                let line = String(decoding: buffer[..<(end - 1)], as: UTF8.self)
                buffer.removeFirst(end + 1)
                return line
            }
            guard try more(deadline) else { return nil }
        }
    }

    private func take(_ count: Int) -> [UInt8] {
        let bytes = Array(buffer.prefix(count))
        buffer.removeFirst(bytes.count)
        return bytes
    }

    /// False at the peer's FIN or RST.
    private func more(_ deadline: Deadline) throws -> Bool {
        guard !deadline.hasPassed else { throw SocketError.timedOut(got: buffer.count) }
        do {
            let bytes = try socket.receive(1 << 18, seconds: deadline.secondsLeft)
            buffer += bytes
            return !bytes.isEmpty
        } catch SocketError.reset {
            return false
        }
    }
}
