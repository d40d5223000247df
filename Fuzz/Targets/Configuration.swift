// Configurations, links and keys in text: nothing traps, every finding can be drawn, and no line drawn holds a control
// byte.
import SSCommon

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let choice = input.byte()
    let bytes = input.rest()
    switch choice % 4 {
    case 0:
        draw(ServerConfiguration.load((bytes, "f.json")).diagnostics)
    case 1:
        draw(LocalConfiguration.load((bytes, "f.json")).diagnostics)
    case 2:
        if let text = String(validating: bytes, as: UTF8.self) { _ = try? ServerLink(text) }
    default:
        check(Base64.decode(Base64.encode(bytes)) == bytes, "Base64 does not come back")
        _ = Base64.decode(String(decoding: bytes, as: UTF8.self))
    }
    return 0
}

private func draw(_ diagnostics: [Diagnostic]) {
    let text = DiagnosticRenderer().render(diagnostics)
    for byte in text.utf8 { check(byte >= 0x20 && byte != 0x7f || byte == 0x0a, "a control byte in a finding") }
    for diagnostic in diagnostics {
        for byte in diagnostic.jsonLine.utf8 { check(byte >= 0x20 && byte != 0x7f, "a control byte in a JSON line") }
    }
}
