// Trailer fields on their way through (RFC 9110 6.5): passed on behind the last chunk, never merged into a head,
// and without the ones that would mean something to framing, routing or this hop.

package enum HTTPTrailers {
    /// The end of a chunked body: the last chunk, the trailers that may pass, the empty line.
    package static func lastChunk(_ trailers: HTTPHead?) -> [UInt8] {
        var writer = HTTPHeadWriter(capacity: 8 + (trailers?.bytes.count ?? 0))
        writer.text("0\r\n")
        if let trailers {
            for field in trailers.fields where field.kind == .other { writer.copy(field, of: trailers) }
        }
        writer.end()
        return writer.bytes
    }
}
