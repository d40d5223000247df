// A request and the answer to it through the cache's rules: what is sent from what was kept is a head that reads as it is meant, a
// record on disk says what was written, and garbage in its place says nothing.
// words: http
import SSCommon
import SSServerCore

private struct NoFile: StoredFile {
    func opened() -> (any StoredFileReader)? { nil }
}

private func head(_ bytes: [UInt8], _ kind: HTTPHeadParser.Kind) -> HTTPHead? {
    var parser = HTTPHeadParser(kind)
    return (try? parser.parse(bytes.span.bytes))?.head
}

private func stored(_ request: HTTPRequest, _ response: HTTPResponse, _ settings: CacheSettings) -> StoredResponse? {
    let cached = CacheRequest(request)
    let now: UnixSeconds = 1_800_000_000
    guard
        case .success(let terms) = Storability.judge(
            response, to: cached, host: "example.net", asked: now - 1, received: now, settings)
    else { return nil }
    let vary = response.head.members(named: "vary")
    let variant = VariantKey(vary: vary, request: request.head)
    check(variant?.matches(request.head) ?? true, "the request that it was made for does not match")
    var body = BlockBytes()
    let count = response.framing == .none ? 0 : 300
    [UInt8](repeating: 7, count: count).withUnsafeBytes { body.append($0, expected: nil) }
    return StoredResponse(
        CacheKey(bytes: Array("example.net:80/".utf8)), vary.isEmpty ? nil : variant, terms,
        StoredHead(response, dropped: Storability.dropped(response.head, settings), date: HTTPDate.text(Int64(now))),
        body, origin: nil, cost: 1)
}

private func checkAnswer(_ stored: StoredResponse, _ request: HTTPRequest, now: UnixSeconds) {
    let cached = CacheRequest(request)
    _ = CachePlan(cached, request.head, kept: [stored], now: now)
    guard let answer = KeptAnswer(stored, to: cached, now: now) else { return }
    check(answer.content.upperBound <= stored.bodyCount, "more than there is")
    var status = CacheStatus(.forwarded(.stale))
    status.detail = String(decoding: request.method, as: UTF8.self)
    let bytes = answer.head(of: stored, to: request, now: now, persists: true, more: status.line)
    guard let parsed = head(bytes, .response) else { return check(false, "the head does not read") }
    check(parsed.bytes.count == bytes.count, "there is more than one head")
    guard let again = try? HTTPResponse(parsed, toHEAD: request.isMethod("HEAD")) else {
        return check(false, "the head is no response")
    }
    check(again.status == answer.status, "another status")
    switch again.framing {
    case .length(let count): check(count == UInt64(answer.content.count), "another length")
    case .none: check(answer.content.isEmpty, "a body that nobody expects")
    case .chunked, .untilClose: check(false, "no length")
    }
}

private func checkRecord(_ stored: StoredResponse, flip: Int) {
    let sum = DiskSum(key: [UInt8](repeating: 1, count: DiskSum.keyLength))
    let front = DiskRecord.front(stored, sum)
    let (prefix, rest) = (Array(front.prefix(DiskRecord.prefixCount)), Array(front.dropFirst(DiskRecord.prefixCount)))
    guard rest.count <= DiskRecord.maximumHead else { return }
    check(DiskRecord.headCount(prefix) == rest.count, "another length of a record")
    let read = DiskRecord.read(prefix, rest, sum) { _ in NoFile() }
    check(read?.key == stored.key && read?.head == stored.head, "a record says something else")
    check(read?.terms == stored.terms && read?.variant == stored.variant, "a record has other terms")
    var wrong = rest
    wrong[flip % wrong.count] ^= 1
    check(DiskRecord.read(prefix, wrong, sum) { _ in NoFile() } == nil, "a changed record is believed")
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    var settings = CacheSettings()
    settings.cookies = [.store, .strip, .bypass][Int(input.byte()) % 3]
    settings.targeted = input.byte() & 1 == 1 ? [Array("cdn-cache-control".utf8)] : []
    settings.defaultTTL = UInt64(input.byte())
    let later = UInt64(input.byte()) * 50
    let flip = Int(input.byte()) * 7
    let bytes = input.rest()
    _ = DiskRecord.read(bytes, bytes, DiskSum(key: [UInt8](repeating: 1, count: DiskSum.keyLength))) { _ in NoFile() }
    if let pattern = CachePattern(String(decoding: bytes.prefix(100), as: UTF8.self)) {
        _ = pattern.matches(CacheKey(bytes: bytes))
    }
    if let time = HTTPDate.seconds(bytes[...], now: 1_800_000_000), time >= 0 {
        check(HTTPDate.seconds(Array(HTTPDate.text(time).utf8)[...], now: 1_800_000_000) == time, "another time")
    }
    _ = EntityTag.list(bytes[...])
    // Two heads, the second behind the first one's empty line.
    guard let split = bytes.indices.first(where: { bytes[$0...].starts(with: [13, 10, 13, 10]) }),
        let asked = head(Array(bytes[..<(split + 4)]), .request), let request = try? HTTPRequest(asked),
        let answered = head(Array(bytes[(split + 4)...]), .response),
        let response = try? HTTPResponse(answered, toHEAD: false)
    else { return 0 }
    guard let kept = stored(request, response, settings) else { return 0 }
    checkAnswer(kept, request, now: 1_800_000_000 + later)
    checkRecord(kept, flip: flip)
    if let updated = kept.head.updated(by: response, date: HTTPDate.text(1_800_000_000)) {
        _ = stored(request, updated, settings)
    }
    return 0
}
