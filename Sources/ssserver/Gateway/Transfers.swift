// Bodies on their way to a client: what is kept, in memory or on disk, and what is still coming.
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

/// Reads a body that is on disk, a block at a time.
final class DiskCursor {
    private let reader: any StoredFileReader
    private var block: (block: BodyBlock, start: Int)?
    private var isReading = false
    /// The disk has failed: what follows cannot be had.
    private(set) var isBroken = false

    init(_ reader: any StoredFileReader) { self.reader = reader }

    /// The bytes from `position` on; nil while they are not there yet, and for good if it is broken.
    func piece(at position: Int, limit: Int) -> BodyPiece? {
        guard let (block, start) = block, start <= position, position < start + block.capacity else { return nil }
        let from = position - start
        return BodyPiece(block: block, range: from..<from + min(limit, block.capacity - from))
    }

    /// Has the disk read what lies at `position`; `done` is called on `loop`.
    func read(at position: Int, _ disk: DiskStore?, on loop: any EventLoop, done: @escaping () -> Void) {
        guard !isReading, let disk else { return }
        isReading = true
        disk.block(reader, at: position, on: loop).assumeIsolated().whenComplete { result in
            self.isReading = false
            self.block = (try? result.get()) ?? nil
            if self.block == nil { self.isBroken = true }
            done()
        }
    }

    /// Whoever waits for a slow client needs no memory meanwhile.
    func letGo() { block = nil }
}

/// Something kept on its way to the client.
final class KeptTransfer {
    let stored: StoredResponse
    let end: Int
    let persists: Bool
    var position: Int
    /// Where the body is on disk.
    let cursor: DiskCursor?

    init(_ stored: StoredResponse, _ content: Range<Int>, persists: Bool, reader: (any StoredFileReader)? = nil) {
        self.stored = stored
        position = content.lowerBound
        end = content.upperBound
        self.persists = persists
        cursor = reader.map { DiskCursor($0) }
    }

    /// The next bytes; nil while they are not there yet, and for good if it is broken.
    func piece(limit: Int) -> BodyPiece? {
        let limit = min(limit, end - position)
        return cursor.map { $0.piece(at: position, limit: limit) } ?? stored.piece(at: position, limit: limit)
    }
}

/// An answer that is awaited or passes.
final class FlightTransfer {
    let asked: AskedRequest
    let flight: Flight
    let id: Int
    let reason: ForwardReason
    /// Nil where somebody else has asked.
    let fetch: OriginFetch?
    let began: UInt32
    /// Whether something kept was at stake, and who may be served nothing else gets an error.
    let isAboutKept: Bool
    /// How the body goes out, once the head is out.
    var body: ForwardedResponse.Body?
    var persists = false
    var bytes = 0
    /// Where it reads from disk.
    private var cursor: DiskCursor?

    /// Seconds that one waits for the answer to somebody else's question.
    private static let patience: UInt32 = 5

    init(
        _ asked: AskedRequest, _ flight: Flight, _ id: Int, _ reason: ForwardReason, _ fetch: OriginFetch?,
        isAboutKept: Bool = false, now: UInt32
    ) {
        self.isAboutKept = isAboutKept
        self.asked = asked
        self.flight = flight
        self.id = id
        self.reason = reason
        self.fetch = fetch
        began = now
    }

    /// The next bytes of the body; nil where there are none yet. `wake` is called once the disk has read some.
    func piece(limit: Int, _ disk: DiskStore?, on loop: any EventLoop, wake: @escaping () -> Void) -> BodyPiece? {
        switch flight.read(id, limit: limit) {
        case .piece(let piece):
            cursor = nil
            return piece
        case .nothing: return nil
        case .onDisk(let spool, let position):
            let cursor = cursor ?? DiskCursor(spool)
            self.cursor = cursor
            if let piece = cursor.piece(at: position, limit: limit) {
                flight.hasRead(id, piece.count)
                return piece
            }
            if cursor.isBroken { flight.lose(id) } else { cursor.read(at: position, disk, on: loop, done: wake) }
            return nil
        }
    }

    func letGo() { cursor?.letGo() }

    func isTired(_ now: UInt32) -> Bool { fetch == nil && body == nil && now &- began > Self.patience }
}
