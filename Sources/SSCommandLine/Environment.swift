// The process's surroundings as values.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif
internal import SSNetwork

package enum Environment {
    /// A variable; nil if it is not set.
    package static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    package static func isTerminal(_ descriptor: CInt) -> Bool {
        isatty(descriptor) == 1
    }

    /// How wide a terminal is; nil for what is none, or does not say.
    package static func columns(_ descriptor: CInt) -> Int? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Covers every argument that is `secret`, so that ps no longer shows it.
    package static func hideArgument(_ secret: String) {
        guard !secret.isEmpty else { return }
        ProcessArguments.withPointers { arguments in
            for argument in arguments {
                // The zero byte at the end stays.
                let bytes = [UInt8](UnsafeRawBufferPointer(start: argument, count: strlen(argument)))
                guard let start = placeToHide(secret, in: bytes) else { continue }
                memset(argument + start, CInt(UInt8(ascii: "*")), bytes.count - start)
            }
        }
    }

    /// From where on an argument that holds `secret` is to be covered; nil if it does not hold it.
    package static func placeToHide(_ secret: String, in argument: [UInt8]) -> Int? {
        let text = String(decoding: argument, as: UTF8.self)
        guard let range = text.range(of: secret) else { return nil }
        // Text made of bytes that are no UTF-8 has other offsets than they, so all of them are covered.
        guard text.utf8.elementsEqual(argument) else { return 0 }
        return text.utf8.distance(from: text.startIndex, to: range.lowerBound)
    }

    /// Writes all of `text` to a descriptor.
    package static func write(_ text: String, to descriptor: CInt) {
        var bytes = [UInt8](text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Self.writeOnce(descriptor, $0) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
    }

    private static func writeOnce(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #else
            Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }
}

extension String {
    /// Where `other` first stands, byte by byte.
    fileprivate func range(of other: String) -> Range<String.Index>? {
        let needle = Array(other.utf8)
        let count = utf8.count
        guard needle.count <= count else { return nil }
        for offset in 0...(count - needle.count) {
            let start = utf8.index(utf8.startIndex, offsetBy: offset)
            let end = utf8.index(start, offsetBy: needle.count)
            if utf8[start..<end].elementsEqual(needle) { return start..<end }
        }
        return nil
    }
}
