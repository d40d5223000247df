@testable import SSCommon

/// Feeds an opener the way a channel does: what it did not consume comes again with the next bytes.
struct RequestReader: ~Copyable {
    var opener: RequestOpener
    var target: TargetAddress?
    var owner: Accepted?
    var salt: Salt?
    var payload: [UInt8] = []
    var user: String? { owner?.user }
    private var rest: [UInt8] = []
    private let now: UnixSeconds
    private let isFresh: (Salt) -> Bool
    private let isKnown: (Salt) -> Bool

    init(_ credential: Credential, isFresh: @escaping (Salt) -> Bool = { _ in true }) {
        self.init(AcceptedKeys(credential), isFresh: isFresh)
    }

    init(
        _ keys: AcceptedKeys, now: UnixSeconds = Vector2022.time, isFresh: @escaping (Salt) -> Bool = { _ in true },
        isKnown: @escaping (Salt) -> Bool = { _ in false }
    ) {
        opener = RequestOpener(keys)
        self.now = now
        self.isFresh = isFresh
        self.isKnown = isKnown
    }

    mutating func feed(_ bytes: [UInt8]) throws(StreamFault) {
        let input = rest + bytes
        var received = RequestOpener.Received()
        let output = try collecting(input.count) { (output) throws(StreamFault) in
            received = try opener.receive(input.span.bytes, into: &output, now: now, isKnown: isKnown) {
                (salt) throws(StreamFault) in
                if !isFresh(salt) { throw .replayed }
            }
        }
        rest = Array(input[received.consumed...])
        if let request = received.request {
            target = request.target
            owner = request.owner
            salt = request.salt
        }
        payload += output
    }
}

extension RequestSealer.Circumstances {
    static let test = Self(now: Vector2022.time, random: 0)
}

extension CipherMethod {
    /// Some credential of the method.
    var testCredential: Credential {
        switch edition {
        case .sip004: Credential(method: self, password: "correct horse battery staple")
        case .sip022: Credential(method: self, key: SecretKey(Sodium.random(keyLength)))
        }
    }
}
