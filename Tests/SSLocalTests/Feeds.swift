// Every way of cutting a message that a parser is shown: whole, byte by byte, and in two at every offset.

/// The segments of `bytes`, one array a way of cutting.
func feeds(_ bytes: [UInt8]) -> [[[UInt8]]] {
    var ways = [[bytes], bytes.map { [$0] }]
    for offset in 1..<max(bytes.count, 1) { ways.append([Array(bytes[..<offset]), Array(bytes[offset...])]) }
    return ways
}

/// Bytes of text; scalars above 255 are not meant to be here.
func latin1(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8($0.value) } }

/// Joins parts of a message; a name for what a chain of `+` costs the type checker minutes to see.
func join(_ parts: [UInt8]...) -> [UInt8] { Array(parts.joined()) }

/// ASCII bytes.
func ascii(_ text: String) -> [UInt8] { [UInt8](text.utf8) }
