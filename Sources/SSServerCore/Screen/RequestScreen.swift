// What goes up a stream, looked at on its way: the name in a TLS client's first message, and every request of plain HTTP
// until there is no more to be seen. Nothing is changed and nothing goes elsewhere for it; what is of neither kind is let
// go at once.
package import SSCommon

/// What a stream shows of where it wants to go.
package enum ShownTarget: Hashable, Sendable {
    /// The name that a TLS client asks for.
    case tlsName(DomainName)
    /// A request; the path is normalised. The host is nil where there is none.
    case request(RequestHost?, path: [UInt8])
}

/// One stream's.
package struct RequestScreen {
    /// Says what refuses a target; nil lets it pass.
    package typealias Judge = (ShownTarget) -> DecidingRule?

    package enum Outcome: Sendable {
        /// So many bytes may go on; the others are to be shown again with what follows.
        case pass(Int)
        /// All may go on, and all that follows.
        case passAll
        /// What stands behind so many bytes is refused. `request` is there if an answer to it would be understood.
        case refused(DecidingRule, behind: Int, request: HTTPRequest?)
        /// It is HTTP of a kind that two could read differently; nothing of it can be judged.
        case malformed(HTTPFault)
    }

    private enum Phase {
        case start
        case head(HTTPHeadParser)
        case body(HTTPBodyReader)
    }

    /// What no request line has at its front is no request; longer methods are nobody's.
    private static let maximumMethod = 32

    private var phase = Phase.start
    /// Bytes that a TLS client's first message has at least; fewer are not looked at again.
    private var wanted = 0
    /// Whether what comes may be something else than HTTP: at first, and behind the offer to go over to something else, which
    /// whoever is asked may not have taken.
    private var mayBeOther = true

    package init() {}

    /// Whether nothing is known yet of what kind it is.
    package var isUndecided: Bool {
        if case .start = phase { true } else { false }
    }

    /// Looks at the bytes that have not passed yet, the first of which is the first that was kept.
    package mutating func look(_ input: RawSpan, _ judge: Judge) -> Outcome {
        var passed = 0
        while true {
            let rest = input.extracting(passed..<input.byteCount)
            switch phase {
            case .start:
                guard rest.byteCount > 0 else { return .pass(passed) }
                if mayBeOther, rest.octet(0) == 22 { return tls(rest, behind: passed, judge) }
                switch Self.isRequest(rest) {
                case nil: return .pass(passed)
                case false?: return mayBeOther ? .passAll : .malformed(.badRequestLine)
                case true?: phase = .head(HTTPHeadParser(.request))
                }
            case .head(var parser):
                do throws(HTTPFault) {
                    let parsed = try parser.parse(rest)
                    phase = .head(parser)
                    guard let (head, length) = parsed else { return .pass(passed) }
                    if let outcome = try take(head, behind: passed, judge) { return outcome }
                    passed += length
                } catch {
                    return Self.isNoHTTP(error) && mayBeOther ? .passAll : .malformed(error)
                }
            case .body(var reader):
                do throws(HTTPFault) {
                    let piece = try reader.next(rest)
                    phase = .body(reader)
                    switch piece {
                    case .needMore: return .pass(passed)
                    case .framing(let count), .data(let count): passed += count
                    case .end(_, let count):
                        passed += count
                        phase = .start
                    }
                } catch {
                    return .malformed(error)
                }
            }
        }
    }

    private mutating func tls(_ input: RawSpan, behind passed: Int, _ judge: Judge) -> Outcome {
        guard input.byteCount >= wanted else { return .pass(passed) }
        switch TLSServerName.read(input) {
        case .needsMore(let count):
            wanted = count
            return .pass(passed)
        case .none, .name(nil): return .passAll
        case .name(let name?):
            // What no host is called (an address, which RFC 6066 forbids) names nobody.
            guard let host = HostName(name), let name = try? DomainName(host) else { return .passAll }
            return judge(.tlsName(name)).map { .refused($0, behind: passed, request: nil) } ?? .passAll
        }
    }

    /// Nil if the request may pass and others may follow.
    private mutating func take(
        _ head: HTTPHead, behind passed: Int, _ judge: Judge
    ) throws(HTTPFault) -> Outcome? {
        let request = try HTTPRequest(head)
        for target in Self.targets(request) {
            guard let rule = judge(target) else { continue }
            // Where several came at once, answers to those before it are on their way.
            return .refused(rule, behind: passed, request: passed == 0 ? request : nil)
        }
        mayBeOther = request.isMethod("CONNECT") || request.connection.upgrade
        phase = .body(HTTPBodyReader(request.framing, tolerant: false))
        return nil
    }

    /// Both of what names the host, where both are there: origins differ in which they believe.
    package static func targets(_ request: HTTPRequest) -> [ShownTarget] {
        let field = request.host.flatMap { host($0) }
        switch request.target {
        case .absolute(let authority, let path):
            let path = RequestPath.normalised(path) ?? path
            let named = host(authority)
            return ([named] + (field == named ? [] : [field])).map { .request($0, path: path) }
        case .authority(let authority): return [.request(host(authority), path: [UInt8(ascii: "/")])]
        case .origin(let path): return [.request(field, path: RequestPath.normalised(path) ?? path)]
        case .asterisk: return [.request(field, path: [UInt8(ascii: "/")])]
        }
    }

    private static func host(_ authority: HTTPAuthority) -> RequestHost? {
        switch authority.target(defaultPort: 80)?.canonical.host {
        case .ip(let address)?: .address(address.folded)
        case .name(let name)?: (try? DomainName(name)).map { .name($0) }
        case nil: nil
        }
    }

    /// Whether bytes may be the beginning of a request line; nil if they are too few to tell.
    package static func isRequest(_ input: RawSpan) -> Bool? {
        var hasBegun = false
        for offset in 0..<min(input.byteCount, maximumMethod) {
            let byte = input.octet(offset)
            if byte == 0x20 { return offset > 0 }
            // Some clients end a body with an empty line that is none of it (RFC 9112 2.2). A line that ends behind a word is no
            // request line.
            let isLineEnd = !hasBegun && (byte == 13 || byte == 10)
            hasBegun = hasBegun || !isLineEnd
            guard (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || byte == UInt8(ascii: "-") || isLineEnd
            else {
                return false
            }
        }
        return input.byteCount >= maximumMethod ? false : nil
    }

    /// Faults of what only looked like a request.
    private static func isNoHTTP(_ fault: HTTPFault) -> Bool {
        switch fault {
        case .badRequestLine, .badVersion, .unsupportedVersion, .requestLineTooLong: true
        default: false
        }
    }
}
