// What goes up a stream, looked at in one piece and in many: the same is shown, the same passes, and it ends in the same way.
// words: http
import SSCommon
import SSServerCore

private let rule: DecidingRule? = {
    var builder = RuleSet.Builder(.allowedFirst, seed: (1, 2))
    builder.sources.begin("list")
    _ = builder.add(.everything, isAllowed: false, at: builder.sources.advance())
    var blacklist = Blacklist()
    blacklist.own = RuleSet(builder)
    var permission = Permission()
    return blacklist.refusal(of: .v4(IPv4Address(1)), port: 1, for: nil, &permission)
}()

private struct Seen: Equatable {
    var shown: [ShownTarget] = []
    var passed: [UInt8] = []
    var end = ""
}

private func isBad(_ target: ShownTarget) -> Bool {
    switch target {
    case .tlsName(let name): name.text.contains("bad")
    case .request(.name(let name)?, let path): name.text.contains("bad") || path.contains(UInt8(ascii: "!"))
    case .request(_, let path): path.contains(UInt8(ascii: "!"))
    }
}

private func look(_ bytes: [UInt8], pieces: Int) -> Seen {
    var screen = RequestScreen()
    var seen = Seen()
    var held: [UInt8] = []
    var isOpen = true
    for start in stride(from: 0, to: bytes.count, by: pieces) {
        held += bytes[start..<min(start + pieces, bytes.count)]
        if isOpen {
            let outcome = held.withUnsafeBytes { buffer in
                screen.look(RawSpan(_unsafeBytes: buffer)) { target in
                    seen.shown.append(target)
                    return isBad(target) ? rule : nil
                }
            }
            switch outcome {
            case .pass(let count):
                check(count <= held.count, "more passes than there is")
                seen.passed += held.prefix(count)
                held.removeFirst(count)
                continue
            case .passAll: isOpen = false
            case .refused(_, let count, _):
                seen.passed += held.prefix(count)
                seen.end = "refused"
                return seen
            case .malformed:
                seen.end = "malformed"
                return seen
            }
        }
        seen.passed += held
        held = []
    }
    // What is held back goes when the client says that there is no more.
    if screen.isUndecided { seen.passed += held }
    return seen
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let pieces = Int(input.byte() & 63) + 1
    let bytes = input.rest()
    let (whole, parts) = (look(bytes, pieces: bytes.count + 1), look(bytes, pieces: pieces))
    check(whole.shown == parts.shown, "something else is shown in pieces")
    check(whole.end == parts.end, "it ends otherwise in pieces")
    // What is malformed is not taken apart: of what stands before it as much may have passed as was there.
    if whole.end != "malformed" { check(whole.passed == parts.passed, "something else passes in pieces") }
    check(bytes.starts(with: whole.passed), "what passes is not what came")
    return 0
}
