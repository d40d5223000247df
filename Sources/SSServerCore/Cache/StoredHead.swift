// The head of a stored answer: what belongs to it and not to the connection that it came on (RFC 9111 3.1, RFC 9110 7.6.1), with a
// Date in any case, and what a 304 makes of it (RFC 9111 3.2).
package import SSCommon

package struct StoredHead: Hashable, Sendable {
    package let status: Int
    package let reason: [UInt8]
    /// Whole lines, without those that say how long the body is and how it is sent, and without Age.
    package let lines: [UInt8]

    package init(status: Int, reason: [UInt8], lines: [UInt8]) {
        self.status = status
        self.reason = reason
        self.lines = lines
    }

    /// `dropped` are further fields to leave out, in lower case; `date` is the time of receipt.
    package init(_ response: HTTPResponse, dropped: [[UInt8]], date: String) {
        status = response.status
        reason = Array(response.reason)
        var writer = HTTPHeadWriter(capacity: response.head.bytes.count)
        var hasDate = false
        for field in response.head.fields where ForwardedResponse.passes(field, of: response) {
            let name = response.head.name(field)
            if equalIgnoringCase(name, "age") || Self.isNamed(name, in: dropped) { continue }
            if field.kind == .date { hasDate = true }
            writer.copy(field, of: response.head)
        }
        if !hasDate { writer.line("Date", date) }
        lines = writer.bytes
    }

    private static func isNamed(_ name: ArraySlice<UInt8>, in names: [[UInt8]]) -> Bool {
        names.contains { equalIgnoringCase(name, $0[...]) }
    }

    /// Name and value of each line.
    package var fields: [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] {
        var fields: [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] = []
        var rest = lines[...]
        while let end = rest.firstIndex(of: 13) {
            let line = rest[..<end]
            if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
                fields.append((line[..<colon], trimmed(line[(colon + 1)...])))
            }
            rest = rest[min(end + 2, rest.endIndex)...]
        }
        return fields
    }

    package func value(named name: StaticString) -> ArraySlice<UInt8>? {
        fields.first { equalIgnoringCase($0.name, name) }?.value
    }

    package var etag: EntityTag? { value(named: "etag").flatMap { EntityTag($0) } }

    /// Seconds since 1970.
    package func date(named name: StaticString, now: UnixSeconds) -> Int64? {
        value(named: name).flatMap { HTTPDate.seconds($0, now: Int64(clamping: now)) }
    }

    /// What asks the origin whether this is still good (RFC 9111 4.3.1); whole lines, empty if it cannot be asked.
    package var conditions: [UInt8] {
        var writer = HTTPHeadWriter(capacity: 128)
        if let etag = value(named: "etag"), EntityTag(etag) != nil { writer.line("If-None-Match", etag) }
        if let date = value(named: "last-modified") { writer.line("If-Modified-Since", date) }
        return writer.bytes
    }

    /// The response that this was, with the fields that a 304 brings in place of its own (RFC 9111 3.2). A 304 without Date is
    /// of `date`, the time of receipt (RFC 9110 6.6.1).
    package func updated(by notModified: HTTPResponse, date: String) -> HTTPResponse? {
        let new = notModified.head.fields.filter { field in
            ForwardedResponse.passes(field, of: notModified)
                && !Self.keptAt304.contains { equalIgnoringCase(notModified.head.name(field), $0) }
        }
        var writer = HTTPHeadWriter(capacity: lines.count + notModified.head.bytes.count)
        writer.text("HTTP/1.1 \(status) ")
        writer.raw(reason)
        writer.text("\r\n")
        for (name, value) in fields
        where !equalIgnoringCase(name, "date")
            && !new.contains(where: { equalIgnoringCase(notModified.head.name($0), name) })
        {
            writer.raw(name)
            writer.text(": ")
            writer.raw(value)
            writer.text("\r\n")
        }
        for field in new { writer.copy(field, of: notModified.head) }
        if !new.contains(where: { $0.kind == .date }) { writer.line("Date", date) }
        writer.end()
        var parser = HTTPHeadParser(.response)
        guard let parsed = try? parser.parse(writer.bytes.span.bytes) else { return nil }
        return try? HTTPResponse(parsed.head, toHEAD: true)
    }

    /// What describes the body that is kept, which a 304 does not change.
    private static let keptAt304: [StaticString] = [
        "content-length", "content-encoding", "content-range", "content-type", "transfer-encoding",
    ]
}
