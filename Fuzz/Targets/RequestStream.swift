// The server's opener on arbitrary bytes, and on authentic chunks with arbitrary plaintext, in arbitrary pieces: whole and
// cut must agree.
import SSCommon

private let credential = Credential(method: .aes128GCM, password: "fuzz")
private let salt = Salt([UInt8](repeating: 7, count: 16).span.bytes)

private struct Outcome: Equatable {
    var target: TargetAddress?
    var payload: [UInt8] = []
    var fault: StreamFault?
}

private func read(_ wire: [UInt8], pieces: Int) -> Outcome {
    var opener = RequestOpener(credential)
    var outcome = Outcome()
    var rest: [UInt8] = []
    var index = 0
    while index < wire.count {
        let end = min(index + pieces, wire.count)
        let input = rest + wire[index..<end]
        index = end
        var received = RequestOpener.Received()
        var fault: StreamFault?
        let output = collecting(input.count) { span in
            do throws(StreamFault) {
                received = try opener.receive(input.span.bytes, into: &span) { _ in true }
            } catch {
                fault = error
            }
        }
        if let fault {
            outcome.fault = fault
            // What a faulty call has opened before the fault depends on the cut; it is never delivered.
            return outcome
        }
        if let target = received.target { outcome.target = target }
        outcome.payload += output
        rest = Array(input[received.consumed...])
        check(rest.count <= 0x3fff + 34 || pieces > 0x3fff, "keeps more than a chunk")
    }
    return outcome
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let isAuthentic = input.byte() & 1 == 1
    let pieces = Int(input.byte()) + 1
    var wire = salt.withUnsafeBytes { [UInt8]($0) }
    if isAuthentic {
        var chunks = ChunkSealer(credential.context(.seal, salt: salt), maximumPayload: 0x3fff)
        while !input.bytes.isEmpty {
            let length = Int(input.byte()) % 40 + 1
            let plain = (0..<length).map { _ in input.byte() }
            wire += collecting(length + 34) { chunks.seal(plain.span.bytes, into: &$0) }
        }
    } else {
        wire = input.rest()
    }
    let whole = read(wire, pieces: wire.count)
    let cut = read(wire, pieces: pieces)
    check(whole.fault == cut.fault, "a cut changes the fault")
    if whole.fault == nil { check(whole == cut, "a cut changes the outcome") }
    return 0
}
