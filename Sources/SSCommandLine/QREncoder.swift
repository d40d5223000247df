// A QR code of a link, by the system's libqrencode. Debian has it as a shared library only, and a server must not fail to
// start for the want of a picture; so it is opened when a code is asked for, and its absence is something to say.
internal import CQREncode
internal import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

enum QREncoder {
    /// Why there is no code, in words for a person.
    struct Failure: Error, CustomStringConvertible {
        let description: String
        /// What to do about it.
        let help: String
    }

    private typealias Encode =
        @convention(c) (UnsafePointer<CChar>, CInt, QRecLevel, QRencodeMode, CInt) -> UnsafeMutablePointer<QRcode>?
    private typealias Free = @convention(c) (UnsafeMutablePointer<QRcode>) -> Void

    /// The code for `text`, as small as can be, with as much room for errors as that size gives.
    static func symbol(of text: String) throws(Failure) -> QRSymbol {
        let (encode, free) = try library()
        var best: QRSymbol?
        for level in [QR_ECLEVEL_L, QR_ECLEVEL_M, QR_ECLEVEL_Q, QR_ECLEVEL_H] {
            // Version 0 is the smallest that holds the text; letters are told apart by case.
            guard let code = encode(text, 0, level, QR_MODE_8, 1) else { break }
            defer { free(code) }
            guard let symbol = copy(code.pointee) else { break }
            if let best, best.width != symbol.width { break }
            best = symbol
        }
        guard let best else {
            throw Failure(description: "the link is longer than a QR code can hold", help: "hand it over as text")
        }
        return best
    }

    /// The lowest bit of each byte is the module (qrencode.h).
    private static func copy(_ code: QRcode) -> QRSymbol? {
        guard code.width > 0, code.width <= 177, let data = code.data else { return nil }
        let width = Int(code.width)
        // qrencode.h: `data` has width * width bytes, until the code is freed.
        return QRSymbol(width: width, modules: (0..<width * width).map { data[$0] & 1 == 1 })
    }

    private static func library() throws(Failure) -> (Encode, Free) {
        #if canImport(Glibc)
            let names = ["libqrencode.so.4", "libqrencode.so"]
        #else
            let names = ["libqrencode.4.dylib", "/opt/homebrew/lib/libqrencode.4.dylib"]
        #endif
        for name in names {
            guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { continue }
            guard let encode = dlsym(handle, "QRcode_encodeString"), let free = dlsym(handle, "QRcode_free") else {
                continue
            }
            // The header's own signatures; the library stays open for the process's life.
            return (unsafeBitCast(encode, to: Encode.self), unsafeBitCast(free, to: Free.self))
        }
        throw Failure(
            description: "libqrencode, which draws QR codes, is not on this machine",
            help: "install it (Debian: apt install libqrencode4), or hand the link over as text")
    }
}
