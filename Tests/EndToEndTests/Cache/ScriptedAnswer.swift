// What a scripted origin says, and how: whole, late, in pieces, with a lie about its length, or cut.
import Foundation
import Synchronization

struct ScriptedAnswer: Sendable {
    enum Framing: Sendable {
        /// Content-Length, as long as the body is.
        case length
        /// Content-Length, whatever the body is.
        case claims(Int)
        /// This many bytes a chunk; trailers as whole lines.
        case chunked(Int, trailers: [String] = [])
        /// The same without the last chunk.
        case openChunks(Int)
        /// The close ends it.
        case close
        /// No length at all: 204 and 304.
        case none
    }

    enum End: Sendable {
        case keeps
        case closes
        case resets
    }

    var version = "HTTP/1.1"
    var status = "200 OK"
    /// Whole lines.
    var fields: [String] = []
    var body: [UInt8] = []
    var framing = Framing.length
    /// Whole heads that come before the answer, without their empty lines.
    var interim: [String] = []
    /// Seconds before the head.
    var delay = 0.0
    /// The body comes in so many parts, with a rest of so many seconds before each but the first.
    var parts = 1
    var rest = 0.0
    /// What the second half of the body waits for.
    var gate: Gate?
    /// The head comes byte by byte.
    var isDripped = false
    /// Not a byte is sent before the end.
    var isMute = false
    var end = End.keeps
    /// Seconds that the origin's clock is ahead; nil for no Date at all.
    var clock: Int? = 0

    init(_ fields: [String] = [], _ body: [UInt8] = []) {
        self.fields = fields
        self.body = body
    }

    init(_ fields: [String], _ body: String) { self.init(fields, Array(body.utf8)) }

    /// An answer with this Cache-Control.
    static func control(_ directives: String, _ body: String = "kept\n") -> Self {
        Self(["Cache-Control: \(directives)"], body)
    }

    static func status(_ status: String, _ fields: [String] = [], _ body: String = "") -> Self {
        var answer = Self(fields, body)
        answer.status = status
        return answer
    }

    static func notModified(_ fields: [String] = []) -> Self {
        var answer = status("304 Not Modified", fields)
        answer.framing = .none
        return answer
    }

    /// The same with a change.
    func with(_ change: (inout Self) -> Void) -> Self {
        var copy = self
        change(&copy)
        return copy
    }

    var head: String {
        var lines = ["\(version) \(status)"]
        if let clock { lines.append("Date: \(HTTPDate.text(Date().timeIntervalSince1970 + Double(clock)))") }
        lines += fields
        switch framing {
        case .length: lines.append("Content-Length: \(body.count)")
        case .claims(let count): lines.append("Content-Length: \(count)")
        case .chunked, .openChunks: lines.append("Transfer-Encoding: chunked")
        case .close, .none: break
        }
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// The body as it is on the wire, in the parts it is sent in.
    var pieces: [[UInt8]] {
        let wire: [UInt8]
        switch framing {
        case .length, .claims, .close, .none: wire = body
        case .chunked(let size, let trailers):
            wire = Self.chunks(body, size) + Array("0\r\n\((trailers + [""]).map { $0 + "\r\n" }.joined())".utf8)
        case .openChunks(let size): wire = Self.chunks(body, size)
        }
        let count = gate == nil ? parts : 2
        let size = max(1, (wire.count + count - 1) / count)
        return stride(from: 0, to: wire.count, by: size).map { Array(wire[$0..<min($0 + size, wire.count)]) }
    }

    private static func chunks(_ body: [UInt8], _ size: Int) -> [UInt8] {
        stride(from: 0, to: body.count, by: size).flatMap { start in
            let part = body[start..<min(start + size, body.count)]
            return Array("\(String(part.count, radix: 16))\r\n".utf8) + part + Array("\r\n".utf8)
        }
    }
}

/// Holds back whoever waits until it is opened.
final class Gate: Sendable {
    private let isOpen: Mutex<Bool> = Mutex(false)

    func open() { isOpen.withLock { $0 = true } }
    func wait(seconds: Double = 15) { _ = eventually(seconds) { isOpen.withLock { $0 } } }
}

/// IMF-fixdate (RFC 9110 section 5.6.7).
enum HTTPDate {
    static func text(_ seconds: Double) -> String {
        var moment = time_t(seconds)
        var parts = tm()
        gmtime_r(&moment, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let clock = String(format: "%02d:%02d:%02d", parts.tm_hour, parts.tm_min, parts.tm_sec)
        let day = String(format: "%02d", parts.tm_mday)
        return "\(days[Int(parts.tm_wday)]), \(day) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year) \(clock) GMT"
    }

    /// So many seconds from now.
    static func fromNow(_ seconds: Double) -> String { text(Date().timeIntervalSince1970 + seconds) }
}
