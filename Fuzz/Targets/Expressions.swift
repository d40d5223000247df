// Expressions of lists: whatever is written, a name is looked at in bounded time, and a plain one is found just where it stands.
// words: lists
import SSServerCore

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let name = input.take(Int(input.byte()))
    let text = input.rest()
    guard let expression = NameExpression(text) else { return 0 }
    let found = name.withUnsafeBytes { expression.matches($0) }
    check(name.withUnsafeBytes { expression.matches($0) } == found, "not the same twice")
    func isPlain(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) }
    if text.allSatisfy(isPlain), name.allSatisfy(isPlain) {
        let isThere = text.isEmpty || (0...name.count).contains { name.dropFirst($0).starts(with: text) }
        check(found == isThere, "a plain text is found where it is not, or not where it is")
    }
    // What begins and ends an expression may not make it fit more.
    if let anchored = NameExpression(Array("^(?:".utf8) + text + Array(")$".utf8)) {
        check(!name.withUnsafeBytes { anchored.matches($0) } || found, "anchors let more pass")
    }
    return 0
}
