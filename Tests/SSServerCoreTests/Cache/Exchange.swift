// Questions and answers as the cache's rules see them, for the tests of those.
import SSCommon
import Testing

@testable import SSServerCore

/// Text in the midst of other bytes, as in a head: what reads a part of something must not begin at index 0.
func within(_ text: String) -> ArraySlice<UInt8> {
    let bytes: [UInt8] = [0x22, 0x31] + Array(text.utf8) + [0x31, 0x22]
    return bytes[2..<(bytes.count - 2)]
}

func words(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

/// When answers come, unless a test says otherwise.
let someTime: UnixSeconds = 1_800_000_000

/// The date so many seconds after `someTime`.
func date(_ offset: Int64 = 0) -> String { HTTPDate.text(Int64(someTime) + offset) }

func parsedHead(_ lines: [String], _ kind: HTTPHeadParser.Kind) throws -> HTTPHead {
    let bytes = [UInt8]((lines + ["", ""]).joined(separator: "\r\n").utf8)
    var parser = HTTPHeadParser(kind)
    return try #require(try parser.parse(bytes.span.bytes)).head
}

func question(_ fields: [String] = [], _ line: String = "GET / HTTP/1.1") throws -> HTTPRequest {
    try HTTPRequest(parsedHead([line, "Host: example.net"] + fields, .request))
}

func answer(_ fields: [String], status: Int = 200) throws -> HTTPResponse {
    try HTTPResponse(parsedHead(["HTTP/1.1 \(status) Some Reason"] + fields, .response), toHEAD: false)
}

/// A question and the answer to it.
struct Exchange {
    var line = "GET / HTTP/1.1"
    var asks: [String] = []
    var status = 200
    var says: [String]
    var asked = someTime
    var received = someTime
    var settings = CacheSettings()
    var key = CacheKey(bytes: Array("example.net:80/".utf8))
    var body = [UInt8](0..<100)

    init(_ says: [String], asks: [String] = [], status: Int = 200, _ settings: CacheSettings = CacheSettings()) {
        self.says = says
        self.asks = asks
        self.status = status
        self.settings = settings
    }

    var request: CacheRequest { get throws { CacheRequest(try question(asks, line)) } }

    func judged(_ response: HTTPResponse? = nil) throws -> Result<StoredTerms, Storability.Refusal> {
        Storability.judge(
            try response ?? answer(says, status: status), to: try request, host: "example.net", asked: asked,
            received: received, settings)
    }

    /// Why it is not kept; nil if it is.
    func refusal() throws -> NotStored? {
        switch try judged() {
        case .success: nil
        case .failure(let refusal): refusal.reason
        }
    }

    func terms() throws -> StoredTerms { try judged().get() }

    func head() throws -> StoredHead {
        let response = try answer(says, status: status)
        return StoredHead(
            response, dropped: Storability.dropped(response.head, settings),
            date: HTTPDate.text(Int64(clamping: received)))
    }

    /// What is kept of it.
    func stored(part: Range<UInt64>? = nil, length: UInt64? = nil) throws -> StoredResponse {
        let vary = try answer(says, status: status).head.members(named: "vary")
        var variant: VariantKey?
        if !vary.isEmpty {
            variant = VariantKey(vary: vary, request: try question(asks, line).head)
            #expect(variant != nil)
        }
        var bytes = BlockBytes()
        body.withUnsafeBytes { bytes.append($0, expected: nil) }
        return StoredResponse(
            key, variant, try terms(), try head(), bytes, part: part, length: length, origin: nil, cost: 0)
    }
}

extension StoredHead {
    /// The values of a field of this name, one a line.
    func all(_ name: String) -> [String] {
        fields.filter { words($0.name).lowercased() == name.lowercased() }.map { words($0.value) }
    }

    var names: [String] { fields.map { words($0.name).lowercased() } }
}
