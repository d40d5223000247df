// An answer too large to be kept by its test: its body is summed up as it comes, as fast or slowly as the test wants.
import Foundation

final class BodyReader {
    private enum Phase {
        /// So many bytes are missing.
        case length(Int)
        /// The line with a chunk's size, so far.
        case size([UInt8])
        /// So many bytes of a chunk, with its end, are missing.
        case chunk(Int)
        /// The last chunk's empty line is missing.
        case last([UInt8])
        case whole
    }

    let head: HTTPAnswer
    private let tunnel: HTTPTunnel
    private let digest = Digest()
    private var phase: Phase

    /// Bytes of the body so far.
    var count: Int { digest.count }
    var isWhole: Bool { if case .whole = phase { true } else { false } }

    /// Asks, and reads the head.
    init(_ pair: CachePair, _ path: String, _ fields: [String] = [], seconds: Double = 15) throws {
        tunnel = try pair.tunnel()
        try tunnel.send(pair.request(path, fields))
        head = try tunnel.head(Deadline(seconds))
        if head["Transfer-Encoding"].lowercased() == "chunked" {
            phase = .size([])
        } else {
            guard let length = Int(head["Content-Length"]) else { throw HarnessError("no length: \(head)") }
            phase = length == 0 ? .whole : .length(length)
        }
        try tunnel.rest.withUnsafeBytes { try take($0) }
    }

    /// Reads until at least `goal` bytes are there, all is, or the connection has ended; no faster than `rate` bytes a second.
    func read(to goal: Int = .max, rate: Double = .infinity, seconds: Double = 60) throws {
        let deadline = Deadline(seconds)
        while !isWhole, count < goal {
            guard !deadline.hasPassed else { throw SocketError.timedOut(got: count) }
            guard
                let bytes = try? tunnel.socket.receive(
                    rate.isFinite ? 1 << 16 : 1 << 18, seconds: deadline.secondsLeft),
                !bytes.isEmpty
            else { return }
            try bytes.withUnsafeBytes { try take($0) }
            pause(Double(bytes.count) / rate)
        }
    }

    /// All that is still to come, and what it was.
    func finish(rate: Double = .infinity, seconds: Double = 60) throws -> Reading {
        try read(rate: rate, seconds: seconds)
        tunnel.close()
        return Reading(head: head, count: count, digest: digest.hex(), isWhole: isWhole)
    }

    func leave() { tunnel.socket.reset() }

    private func take(_ bytes: UnsafeRawBufferPointer) throws {
        var bytes = bytes[...]
        while let byte = bytes.first {
            switch phase {
            case .length(let left):
                let part = bytes.prefix(left)
                digest.add(UnsafeRawBufferPointer(rebasing: part))
                phase = left == part.count ? .whole : .length(left - part.count)
                bytes = bytes.dropFirst(part.count)
            case .chunk(let left):
                let part = bytes.prefix(left)
                digest.add(UnsafeRawBufferPointer(rebasing: part.prefix(max(0, left - 2))))
                phase = left == part.count ? .size([]) : .chunk(left - part.count)
                bytes = bytes.dropFirst(part.count)
            case .size(let line):
                phase = byte == 10 ? try chunk(line) : .size(line + [byte])
                bytes = bytes.dropFirst()
            case .last(let line):
                phase = line + [byte] == [13, 10] ? .whole : .last(line + [byte])
                bytes = bytes.dropFirst()
            case .whole: throw HarnessError("\(bytes.count) bytes after the end")
            }
        }
    }

    private func chunk(_ line: [UInt8]) throws -> Phase {
        let text = String(decoding: line.dropLast(), as: UTF8.self)
        guard line.last == 13, let count = Int(text, radix: 16) else { throw HarnessError("not a chunk size: \(text)") }
        return count == 0 ? .last([]) : .chunk(count + 2)
    }
}

/// What somebody has got.
struct Reading: Sendable {
    let head: HTTPAnswer
    let count: Int
    /// SHA-256, in hex.
    let digest: String
    let isWhole: Bool
}
