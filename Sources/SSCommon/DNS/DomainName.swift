// A host name made fit for a lookup and for comparison: one spelling for every name (RFC 1035 2.3, RFC 1123
// 2.1, RFC 5890). Names outside ASCII are lower-cased and put into Punycode; they are not normalised (NFC),
// because the standard library offers no normaliser: a decomposed name is looked up as it was sent.

/// A name of letters, digits, hyphens and underscores; lower case, no dot at the end, labels of 1...63 bytes,
/// at most 253 bytes. Never a spelling of an address: see `NumericHost`.
package struct DomainName: Hashable, Sendable {
    package let bytes: [UInt8]

    /// Why a host cannot be looked up.
    package enum Fault: Error, Hashable, Sendable {
        /// Over 253 bytes without the dot at the end.
        case tooLong
        /// A label is empty or over 63 bytes.
        case badLabel
        /// A byte or character that no host name has.
        case badCharacter
        /// The last label is a number: an address, or an attempt at one (WHATWG URL 3.5).
        case numeric
    }

    package init(_ host: HostName) throws(Fault) {
        guard var folded = HostFold.fold(host.bytes) else { throw .badCharacter }
        if folded.last == UInt8(ascii: ".") { folded.removeLast() }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(folded.count)
        var last: Range<Int> = 0..<0
        for label in folded.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: ".")) }
            let start = bytes.count
            try Self.append(label, to: &bytes)
            guard (1...63).contains(bytes.count - start) else { throw .badLabel }
            last = start..<bytes.count
        }
        guard bytes.count <= 253 else { throw .tooLong }
        guard !Self.isNumber(bytes[last]) else { throw .numeric }
        self.bytes = bytes
    }

    /// Nil where the other initialiser throws; for names known beforehand.
    package init?(_ text: some StringProtocol) {
        guard let host = HostName(text) else { return nil }
        do { try self.init(host) } catch { return nil }
    }

    /// Of bytes that are a name's already.
    private init(known bytes: [UInt8]) { self.bytes = bytes }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// What is left without the first label; nil for a name of one.
    package var parent: DomainName? {
        bytes.firstIndex(of: UInt8(ascii: ".")).map { DomainName(known: Array(bytes[($0 + 1)...])) }
    }

    /// True for `parent` itself and every name below it: a.example.com, but not xexample.com, for example.com.
    package func isEqualToOrBelow(_ parent: DomainName) -> Bool {
        guard bytes.count > parent.bytes.count else { return bytes == parent.bytes }
        return bytes[bytes.count - parent.bytes.count - 1] == UInt8(ascii: ".")
            && bytes.suffix(parent.bytes.count).elementsEqual(parent.bytes)
    }

    private static func append(_ label: ArraySlice<UInt8>, to bytes: inout [UInt8]) throws(Fault) {
        if label.allSatisfy({ $0 < 0x80 }) {
            for byte in label {
                guard let byte = hostByte(byte) else { throw .badCharacter }
                bytes.append(byte)
            }
            return
        }
        var scalars: [Unicode.Scalar] = []
        for scalar in String(decoding: label, as: UTF8.self).unicodeScalars {
            scalars.append(contentsOf: try lowerCased(scalar))
        }
        // Hyphens in the third and fourth place are kept for encodings (RFC 5891 4.2.3.1).
        guard scalars.count <= 63 else { throw .badLabel }
        if scalars.count >= 4, scalars[2] == "-", scalars[3] == "-" { throw .badLabel }
        // The Kelvin sign's lower case is an ASCII letter, and ASCII is never put into Punycode (RFC 5890 2.3.2.1).
        if scalars.allSatisfy(\.isASCII) {
            bytes.append(contentsOf: scalars.map { UInt8($0.value) })
            return
        }
        bytes.append(contentsOf: "xn--".utf8)
        bytes.append(contentsOf: Punycode.encode(scalars))
    }

    /// An ASCII byte of a host name in lower case; nil if host names have no such byte.
    private static func hostByte(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            byte
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
        default: nil
        }
    }

    private static func lowerCased(_ scalar: Unicode.Scalar) throws(Fault) -> [Unicode.Scalar] {
        if scalar.isASCII {
            guard let byte = hostByte(UInt8(scalar.value)) else { throw .badCharacter }
            return [Unicode.Scalar(byte)]
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator, .lineSeparator,
            .paragraphSeparator:
            throw .badCharacter
        default:
            return Array(scalar.properties.lowercaseMapping.unicodeScalars)
        }
    }

    private static func isNumber(_ label: ArraySlice<UInt8>) -> Bool {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        if label.allSatisfy({ digits.contains($0) }) { return true }
        return label.starts(with: "0x".utf8)
            && label.dropFirst(2).allSatisfy {
                digits.contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}

extension DomainName: CustomStringConvertible {
    package var description: String { text }
}
