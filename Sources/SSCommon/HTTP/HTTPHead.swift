// The head of an HTTP/1 message, or its trailer section: the bytes as they came, and where the parts lie in
// them. Kept as bytes because field values have no character set (RFC 9110 5.5): a proxy that decodes and
// re-encodes them damages names in Latin-1 or GBK.

/// One field line, as offsets into the head's bytes.
package struct HTTPField: Hashable, Sendable {
    package var kind: HTTPFieldKind
    package var name: Range<Int>
    /// Without the white space around it.
    package var value: Range<Int>
}

package struct HTTPHead: Sendable {
    package let bytes: [UInt8]
    /// Without its line end; empty for a trailer section.
    package let startLine: Range<Int>
    /// What was read of it; of a request alone.
    let requestLine: HTTPRequestLineParts?
    package let fields: [HTTPField]

    package func name(_ field: HTTPField) -> ArraySlice<UInt8> { bytes[field.name] }
    package func value(_ field: HTTPField) -> ArraySlice<UInt8> { bytes[field.value] }

    /// The values of every field of this kind, in order.
    package func values(_ kind: HTTPFieldKind) -> [ArraySlice<UInt8>] {
        fields.lazy.filter { $0.kind == kind }.map { bytes[$0.value] }
    }

    /// The members of a comma-separated list over all lines of this kind (RFC 9110 5.6.1), white space
    /// trimmed, empty members left out.
    package func list(_ kind: HTTPFieldKind) -> [ArraySlice<UInt8>] {
        values(kind).flatMap { value in
            value.split(separator: UInt8(ascii: ",")).map(trimmed).filter { !$0.isEmpty }
        }
    }
}

/// A slice without the spaces and tabs at its ends.
package func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var text = text
    while let first = text.first, first == 0x20 || first == 0x09 { text.removeFirst() }
    while let last = text.last, last == 0x20 || last == 0x09 { text.removeLast() }
    return text
}
