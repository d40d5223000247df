// What is sent to whoever asks for something that is kept: the whole, a part, or that they have it already (RFC 9110 13.2, 14.2).
package import SSCommon

package struct KeptAnswer: Sendable {
    package let status: Int
    /// Bytes of the stored body that follow the head; empty where none do.
    package let content: Range<Int>
    /// Of the Content-Range of a 206.
    private let range: Range<UInt64>?
    /// Whether it is a 416 that is made here, and not one that is kept.
    private let isRefusal: Bool

    /// Nil if what is kept is a part and not all of what is asked for.
    package init?(_ stored: StoredResponse, to request: CacheRequest, now: UnixSeconds) {
        if Self.isUnchanged(stored, request, now: now) {
            self.init(304, 0..<0, nil)
            return
        }
        let isHead = request.method == .head
        let wanted = Self.wanted(stored, request, now: now)
        // Of nothing, the last bytes are all there is.
        if let wanted, stored.status == 200, stored.length > 0 || !wanted.isSuffix {
            guard let range = wanted.resolved(in: stored.length) else {
                self.init(416, 0..<0, nil, isRefusal: true)
                return
            }
            guard let content = stored.content(range) else { return nil }
            self.init(206, isHead ? 0..<0 : content, range)
            return
        }
        guard let content = stored.content(0..<stored.length) else { return nil }
        self.init(stored.status, isHead ? 0..<0 : content, nil)
    }

    private init(_ status: Int, _ content: Range<Int>, _ range: Range<UInt64>?, isRefusal: Bool = false) {
        self.isRefusal = isRefusal
        self.status = status
        self.content = content
        self.range = range
    }

    /// If-None-Match goes before If-Modified-Since (RFC 9110 13.2.2).
    private static func isUnchanged(_ stored: StoredResponse, _ request: CacheRequest, now: UnixSeconds) -> Bool {
        guard stored.status == 200 else { return false }
        if let lists = request.ifNoneMatch {
            if lists.contains(where: { $0.elementsEqual("*".utf8) }) { return true }
            guard let etag = stored.head.etag else { return false }
            return lists.contains { EntityTag.list($0).contains(where: etag.matchesWeakly) }
        }
        guard let text = request.ifModifiedSince, let since = HTTPDate.seconds(text, now: Int64(clamping: now)) else {
            return false
        }
        // RFC 9111 4.3.2: without Last-Modified by Date, and without that by when it came.
        let head = stored.head
        let changed =
            head.date(named: "last-modified", now: now) ?? head.date(named: "date", now: now)
            ?? Int64(clamping: stored.terms.received)
        return changed <= since
    }

    /// RFC 9110 13.1.5: a range of something else than the client has is answered with the whole.
    private static func wanted(_ stored: StoredResponse, _ request: CacheRequest, now: UnixSeconds) -> ByteRange? {
        guard let range = request.range, request.method == .get else { return nil }
        guard let condition = request.ifRange else { return range }
        if let tag = EntityTag(condition) {
            return stored.head.etag?.matchesStrongly(tag) == true ? range : nil
        }
        let head = stored.head
        guard head.value(named: "last-modified")?.elementsEqual(condition) == true,
            let changed = head.date(named: "last-modified", now: now), let date = head.date(named: "date", now: now),
            changed < date
        else {
            // RFC 9110 8.8.2.2: what changed in the second in which it was sent may have changed again in it.
            return nil
        }
        return range
    }

    /// The head, to the empty line. `more` are whole lines; `persists` says what Connection tells.
    package func head(
        of stored: StoredResponse, to request: HTTPRequest, now: UnixSeconds, persists: Bool, more: [UInt8]
    ) -> [UInt8] {
        var writer = HTTPHeadWriter(capacity: stored.lineCount + more.count + 256)
        writeStart(stored, &writer)
        switch status {
        case 304:
            for (name, value) in stored.head.fields where Self.belongsTo304(name) {
                writer.raw(name)
                writer.text(": ")
                writer.raw(value)
                writer.text("\r\n")
            }
        case 416 where isRefusal: writer.line("Content-Range", "bytes */\(stored.length)")
        default: stored.writeLines(&writer)
        }
        writer.line("Age", String(stored.terms.age(at: now)))
        if let range {
            writer.line("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(stored.length)")
        }
        if status != 304, status != 204 {
            let count = isRefusal ? 0 : range.map { $0.upperBound - $0.lowerBound } ?? stored.length
            writer.line("Content-Length", String(count))
        }
        writer.raw(more)
        if !persists {
            writer.line("Connection", "close")
        } else if request.minorVersion == 0 {
            writer.line("Connection", "keep-alive")
        }
        writer.end()
        return writer.bytes
    }

    private func writeStart(_ stored: StoredResponse, _ writer: inout HTTPHeadWriter) {
        switch status {
        case 206: writer.text("HTTP/1.1 206 Partial Content\r\n")
        case 304: writer.text("HTTP/1.1 304 Not Modified\r\n")
        case 416: writer.text("HTTP/1.1 416 Range Not Satisfiable\r\n")
        default:
            writer.text(status == 200 ? "HTTP/1.1 200 " : "HTTP/1.1 \(status) ")
            stored.writeReason(&writer)
            writer.text("\r\n")
        }
    }

    /// RFC 9110 15.4.5.
    private static func belongsTo304(_ name: ArraySlice<UInt8>) -> Bool {
        let names: [StaticString] = [
            "cache-control", "content-location", "date", "etag", "expires", "vary", "last-modified", "cache-status",
        ]
        return names.contains { equalIgnoringCase(name, $0) }
    }
}

extension StoredResponse {
    /// Where bytes of the whole lie in the body; nil if not all of them are kept.
    func content(_ range: Range<UInt64>) -> Range<Int>? {
        let kept = part ?? 0..<length
        guard range.isEmpty || (kept.lowerBound <= range.lowerBound && range.upperBound <= kept.upperBound) else {
            return nil
        }
        let start = Int(range.lowerBound - min(kept.lowerBound, range.lowerBound))
        return start..<start + range.count
    }
}
