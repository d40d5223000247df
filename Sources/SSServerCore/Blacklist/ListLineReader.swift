// One line of a list, in whichever of the usual syntaxes: hosts files, plain names, Adblock's network rules, dnsmasq, unbound,
// v2fly, addresses and ranges, URLs. Nobody says which; the line shows it. Shadowsocks ACL files have sections, which
// `ListReader` keeps.
internal import SSCommon

package enum ListLineReader {
    /// Longer lines are no rules.
    static let maximumLength = 4096

    /// What `line` says; without its line feed.
    package static func read(_ line: ArraySlice<UInt8>) -> ListLine {
        guard line.count <= maximumLength else { return .bad(.tooLong) }
        let text = trimmed(line)
        guard let first = text.first else { return .nothing }
        guard !text.contains(0), text.allSatisfy({ $0 < 0x80 }) || String(validating: text, as: UTF8.self) != nil else {
            return .bad(.notText)
        }
        switch first {
        case UInt8(ascii: "!"), UInt8(ascii: ";"): return .nothing
        case UInt8(ascii: "#"): return isCosmetic(text) ? .unenforceable(.cosmetic) : .nothing
        case UInt8(ascii: "["): return hostAndPorts(text) == nil ? .nothing : single(text)
        case UInt8(ascii: "@") where text.starts(with: "@@".utf8): return exception(text.dropFirst(2))
        case UInt8(ascii: "|"): return adblock(text, isAllowed: false)
        case UInt8(ascii: "/") where text.count > 1: return adblock(text, isAllowed: false)
        case UInt8(ascii: "="): return name(text.dropFirst(), .exact)
        case UInt8(ascii: "*") where text.count == 1: return .rules([.everything], isAllowed: false)
        default: break
        }
        if isCosmetic(text) { return .unenforceable(.cosmetic) }
        return keyword(text) ?? hosts(text) ?? single(text)
    }

    // MARK: Syntaxes

    /// What stands behind `@@`.
    private static func exception(_ text: ArraySlice<UInt8>) -> ListLine {
        if let people = people(text) {
            guard case .rules(let rules, _, _) = people else { return people }
            return .rules(rules, isAllowed: true)
        }
        return adblock(text, isAllowed: true)
    }

    /// `||a.com^`, `||a.com/path`, `|a.com`, `|http://a.com/path`, `/expression/`, each with options behind a dollar sign.
    private static func adblock(_ text: ArraySlice<UInt8>, isAllowed: Bool) -> ListLine {
        var body = text
        var users: [String] = []
        if let dollar = optionsStart(body) {
            guard let said = ListLineOptions(body[(dollar + 1)...]) else { return .unenforceable(.options) }
            users = said.users
            body = body[..<dollar]
        }
        guard case .rules(let rules, _, _) = plainAdblock(body, isAllowed: isAllowed), !users.isEmpty else {
            return plainAdblock(body, isAllowed: isAllowed)
        }
        return .rules(rules, isAllowed: isAllowed, users: users)
    }

    /// The dollar sign that options stand behind; one in an expression is the expression's.
    private static func optionsStart(_ text: ArraySlice<UInt8>) -> Int? {
        guard let dollar = text.lastIndex(of: UInt8(ascii: "$")), dollar > text.startIndex else { return nil }
        if text.first == UInt8(ascii: "/"), text[text.index(before: dollar)] != UInt8(ascii: "/") { return nil }
        return dollar
    }

    private static func plainAdblock(_ text: ArraySlice<UInt8>, isAllowed: Bool) -> ListLine {
        var body = text
        var scope = NameScope.exact
        if body.starts(with: "||".utf8) {
            scope = .tree
            body = body.dropFirst(2)
        } else if body.first == UInt8(ascii: "|") {
            body = body.dropFirst()
        } else if body.first == UInt8(ascii: "/"), body.count > 1 {
            // Without a slash at its end it is a part of a path; one with a slash in it is about whole addresses.
            guard body.last == UInt8(ascii: "/"), body.count > 2,
                !body.dropFirst().dropLast().contains(UInt8(ascii: "/"))
            else { return .unenforceable(.addressPart) }
            return expression(body.dropFirst().dropLast(), isAllowed: isAllowed)
        } else {
            // An exception without an anchor, as in @@a.com.
            scope = .tree
        }
        if body.last == UInt8(ascii: "|") { body = body.dropLast() }
        if let scheme = scheme(body) { return url(body.dropFirst(scheme.count), scheme, scope, isAllowed) }
        if body.last == UInt8(ascii: "^") { body = body.dropLast() }
        if body.elementsEqual("*".utf8) { return .rules([.everything], isAllowed: isAllowed) }
        if body.starts(with: "*.".utf8) {
            body = body.dropFirst(2)
            scope = .below
        }
        return place(body, scope, isAllowed)
    }

    /// `##`, `#@#`, `#?#`, `#$#`, `#%#` behind names or alone, and a selector behind them.
    private static func isCosmetic(_ text: ArraySlice<UInt8>) -> Bool {
        let hash = UInt8(ascii: "#")
        var index = text.startIndex
        while let found = text[index...].firstIndex(of: hash) {
            let rest = text[(found + 1)...]
            if rest.first == hash {
                return rest.count > 1 && rest.dropFirst().first != UInt8(ascii: " ") && rest.dropFirst().first != hash
            }
            if let mark = rest.first, "@?$%".utf8.contains(mark),
                rest.prefix(4).contains(hash)
            {
                return true
            }
            index = found + 1
        }
        return false
    }

    /// `address=/a.com/0.0.0.0`, `local-zone: "a.com" always_nxdomain`, `full:a.com` and what else begins with a word.
    private static func keyword(_ text: ArraySlice<UInt8>) -> ListLine? {
        for word in ["address=/", "local=/", "server=/"] where text.starts(with: word.utf8) {
            return dnsmasq(text.dropFirst(word.utf8.count), word)
        }
        if text.starts(with: "local-zone:".utf8) { return unbound(text.dropFirst(11)) }
        if text.starts(with: "local-data:".utf8) || text.starts(with: "server:".utf8) { return .nothing }
        let words: KeyValuePairs<String, NameScope> = ["domain:": .tree, "full:": .exact]
        for (word, scope) in words where text.starts(with: word.utf8) {
            return name(field(text.dropFirst(word.utf8.count)), scope)
        }
        if text.starts(with: "keyword:".utf8) {
            let piece = field(text.dropFirst(8)).map { $0.lowercasedASCII }
            return pattern(NamePattern([piece], isOpenAtStart: true, isOpenAtEnd: true))
        }
        if text.starts(with: "regexp:".utf8) { return expression(field(text.dropFirst(7)), isAllowed: false) }
        return text.starts(with: "include:".utf8) ? .unenforceable(.include) : people(text)
    }

    /// Names between slashes, and behind the last what is answered. `server` with a server behind it says whom to ask.
    private static func dnsmasq(_ text: ArraySlice<UInt8>, _ word: String) -> ListLine {
        var parts = text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count > 1, let answer = parts.popLast() else { return .bad(.unknown) }
        if word == "server=/", !trimmed(answer).isEmpty, !answer.starts(with: "#".utf8) {
            return .unenforceable(.forwarding)
        }
        var rules: [ListRule] = []
        for part in parts where !part.isEmpty {
            guard let name = domain(part) else { return .bad(.badName) }
            rules.append(.name(name, .tree))
        }
        return rules.isEmpty ? .bad(.badName) : .rules(rules, isAllowed: false)
    }

    private static func unbound(_ text: ArraySlice<UInt8>) -> ListLine {
        let words = text.split(whereSeparator: isBlank)
        guard words.count >= 2 else { return .bad(.unknown) }
        let refusing = [
            "always_nxdomain", "always_refuse", "always_null", "always_nodata", "refuse", "deny", "static", "redirect",
        ]
        guard refusing.contains(String(decoding: words[1], as: UTF8.self)) else { return .unenforceable(.forwarding) }
        return name(words[0].filter { $0 != UInt8(ascii: "\"") }[...], .tree)
    }

    /// `0.0.0.0 a.com b.com`: an address that leads nowhere, and names. The machine's own names are not meant.
    private static func hosts(_ text: ArraySlice<UInt8>) -> ListLine? {
        let words = withoutComment(text).split(whereSeparator: isBlank)
        guard words.count > 1,
            IPAddress(String(decoding: words[0].prefix { $0 != UInt8(ascii: "%") }, as: UTF8.self)) != nil
        else { return nil }
        let own: Set = [
            "localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "ip6-loopback",
            "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters", "ip6-allhosts", "0.0.0.0",
        ]
        var rules: [ListRule] = []
        for word in words.dropFirst() where !own.contains(String(decoding: word, as: UTF8.self)) {
            guard let name = domain(word) else { return .bad(.badName) }
            // A hosts file knows no subdomains.
            rules.append(.name(name, .exact))
        }
        return rules.isEmpty ? .nothing : .rules(rules, isAllowed: false)
    }

    /// `client:192.0.2.0/24`, `user:alice`: who asks, not what is asked for.
    private static func people(_ text: ArraySlice<UInt8>) -> ListLine? {
        if text.starts(with: "user:".utf8) {
            let name = String(decoding: trimmed(text.dropFirst(5)), as: UTF8.self)
            return name.isEmpty ? .bad(.unknown) : .rules([.user(name)], isAllowed: false)
        }
        guard text.starts(with: "client:".utf8) else { return nil }
        guard case .rules(let rules, _, _) = place(field(text.dropFirst(7)), .exact, false),
            case .address(let prefix)? = rules.first
        else { return .bad(.badAddress) }
        return .rules([.client(prefix)], isAllowed: false)
    }

    /// One thing on the line, and perhaps a comment.
    private static func single(_ text: ArraySlice<UInt8>) -> ListLine {
        if text.first == UInt8(ascii: "^") || text.first == UInt8(ascii: "(") || text.contains(UInt8(ascii: "\\")) {
            return expression(field(text), isAllowed: false)
        }
        let bare = trimmed(withoutComment(text))
        let words = bare.split(whereSeparator: isBlank)
        guard words.count == 1, let word = words.first else { return words.isEmpty ? .nothing : .bad(.unknown) }
        if let scheme = scheme(word) { return url(word.dropFirst(scheme.count), scheme, .exact, false) }
        if word.starts(with: "*.".utf8), !word.dropFirst(2).contains(UInt8(ascii: "*")) {
            return place(word.dropFirst(2), .below, false)
        }
        if word.first == UInt8(ascii: ".") { return place(word.dropFirst(), .tree, false) }
        return place(word, .tree, false)
    }

    /// The usual ones mean a name and what is below it, which is looked up rather than tried.
    private static func expression(_ text: ArraySlice<UInt8>, isAllowed: Bool) -> ListLine {
        if let (name, scope) = NameExpression.plainName(text), let name = domain(name) {
            return .rules([.name(name, scope)], isAllowed: isAllowed)
        }
        guard let expression = NameExpression(text) else { return .unenforceable(.expression) }
        return .rules([.expression(expression)], isAllowed: isAllowed)
    }

    // MARK: Parts

    /// A name, an address, a range, a pattern, or one of the first two with a path or a port.
    private static func place(_ text: ArraySlice<UInt8>, _ scope: NameScope, _ isAllowed: Bool) -> ListLine {
        if let (host, ports) = hostAndPorts(text) { return self.ports(host, ports, scope, isAllowed) }
        if let slash = text.firstIndex(of: UInt8(ascii: "/")) {
            if let prefix = range(text) { return .rules([.address(prefix)], isAllowed: isAllowed) }
            let isRange = text[(slash + 1)...].allSatisfy { $0.isDigit }
            if isRange, slash + 1 < text.endIndex, NumericHost(Array(text[..<slash])) != nil {
                return .bad(.badAddress)
            }
            return path(text[..<slash], text[slash...], scope, isAllowed)
        }
        if text.contains(UInt8(ascii: "*")) {
            return pattern(NamePattern(wildcard: text.map { $0.lowercasedASCII }), isAllowed: isAllowed)
        }
        if let address = NumericHost(Array(text))?.address.folded {
            guard let prefix = IPPrefix(address, length: address.width) else { return .bad(.badAddress) }
            return .rules([.address(prefix)], isAllowed: isAllowed)
        }
        guard let name = domain(text) else {
            return text.contains(where: { "&?=,~$%^|".utf8.contains($0) })
                ? .unenforceable(.addressPart) : .bad(.badName)
        }
        return .rules([.name(name, scope)], isAllowed: isAllowed)
    }

    /// What is before and behind the colon of `a.com:443`, `:25`, `192.0.2.1:1-1023` and `[2001:db8::1]:25`; nil without one.
    private static func hostAndPorts(_ text: ArraySlice<UInt8>) -> (ArraySlice<UInt8>, ClosedRange<UInt16>)? {
        guard let colon = text.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        let host = text[..<colon]
        let isIPv6 = host.contains(UInt8(ascii: ":"))
        guard !isIPv6 || host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]") else { return nil }
        let numbers = text[(colon + 1)...].split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard (1...2).contains(numbers.count) else { return nil }
        let ports = numbers.compactMap { part in
            (1...5).contains(part.count) && part.allSatisfy { $0.isDigit }
                ? UInt16(String(decoding: part, as: UTF8.self)) : nil
        }
        guard ports.count == numbers.count, let low = ports.first, let high = ports.last, low <= high else {
            return nil
        }
        return (host, low...high)
    }

    private static func ports(
        _ host: ArraySlice<UInt8>, _ ports: ClosedRange<UInt16>, _ scope: NameScope, _ isAllowed: Bool
    ) -> ListLine {
        if host.isEmpty || host.elementsEqual("*".utf8) { return .rules([.ports(nil, ports)], isAllowed: isAllowed) }
        let bare = host.first == UInt8(ascii: "[") ? host.dropFirst().dropLast() : host
        if let address = NumericHost(Array(bare))?.address.folded {
            return .rules([.ports(.address(address), ports)], isAllowed: isAllowed)
        }
        guard let name = domain(bare) else { return .bad(.badName) }
        return .rules([.ports(.name(name, scope), ports)], isAllowed: isAllowed)
    }

    private static func name(_ text: some Sequence<UInt8>, _ scope: NameScope) -> ListLine {
        place(Array(text)[...], scope, false)
    }

    private static func pattern(_ pattern: NamePattern?, isAllowed: Bool = false) -> ListLine {
        pattern.map { .rules([.pattern($0)], isAllowed: isAllowed) } ?? .bad(.unknown)
    }

    private static func scheme(_ text: ArraySlice<UInt8>) -> String? {
        let start = String(decoding: text.prefix(8), as: UTF8.self).lowercased()
        return ["http://", "https://", "ws://", "wss://"].first { start.hasPrefix($0) }
    }

    /// What stands behind the scheme. Of https the host is all that can be seen, so a rule for a path of it does nothing.
    private static func url(
        _ text: ArraySlice<UInt8>, _ scheme: String, _ scope: NameScope, _ isAllowed: Bool
    ) -> ListLine {
        let end = text.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? text.endIndex
        var host = text[..<end]
        if let at = host.lastIndex(of: UInt8(ascii: "@")) { host = host[(at + 1)...] }
        if let colon = host.lastIndex(of: UInt8(ascii: ":")), !host[colon...].contains(UInt8(ascii: "]")) {
            host = host[..<colon]
        }
        if host.last == UInt8(ascii: "^") { host = host.dropLast() }
        let path = text[end...]
        guard path.count > 1 else { return place(host, scope, isAllowed) }
        let isSecret = scheme == "https://" || scheme == "wss://"
        return isSecret ? .unenforceable(.httpsPath) : self.path(host, path, scope, isAllowed)
    }

    private static func path(
        _ host: ArraySlice<UInt8>, _ path: ArraySlice<UInt8>, _ scope: NameScope, _ isAllowed: Bool
    ) -> ListLine {
        var path = path
        while path.last == UInt8(ascii: "*") { path = path.dropLast() }
        // A prefix is all that is compared.
        guard !path.contains(where: { "*^|".utf8.contains($0) }) else { return .unenforceable(.addressPart) }
        guard let path = RequestPath.normalised(path) else { return .bad(.unknown) }
        if path == [UInt8(ascii: "/")] { return place(host, scope, isAllowed) }
        if let address = NumericHost(Array(host))?.address.folded {
            return .rules([.path(host: .address(address), path: path)], isAllowed: isAllowed)
        }
        guard let name = domain(host) else { return .bad(.badName) }
        return .rules([.path(host: .name(name, scope), path: path)], isAllowed: isAllowed)
    }

    /// `192.0.2.0/24`; lists are not always careful with what is behind the prefix, which then does not count.
    private static func range(_ text: ArraySlice<UInt8>) -> IPPrefix? {
        let halves = text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard halves.count == 2, let address = IPAddress(String(decoding: halves[0], as: UTF8.self)),
            (1...3).contains(halves[1].count), let length = Int(String(decoding: halves[1], as: UTF8.self)),
            (0...address.width).contains(length)
        else { return nil }
        return IPPrefix(address.masked(to: length), length: length)
    }

    private static func domain(_ text: some Sequence<UInt8>) -> DomainName? {
        HostName(Array(text)).flatMap { try? DomainName($0) }
    }

    // MARK: Bytes

    static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == 13 }

    static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text = text.dropLast() }
        return text
    }

    /// Up to the first blank: what v2fly's lists have behind a rule are attributes and comments.
    private static func field(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        trimmed(text).prefix { !isBlank($0) && $0 != UInt8(ascii: "#") }
    }

    /// Up to a number sign or semicolon that follows a blank.
    private static func withoutComment(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var isAfterBlank = true
        for index in text.indices {
            if isAfterBlank, text[index] == UInt8(ascii: "#") || text[index] == UInt8(ascii: ";") {
                return text[..<index]
            }
            isAfterBlank = isBlank(text[index])
        }
        return text
    }
}

extension IPAddress {
    /// With all bits behind the first `length` 0.
    func masked(to length: Int) -> IPAddress {
        switch self {
        case .v4(let address): .v4(IPv4Address(length == 0 ? 0 : address.value & (~0 << UInt32(32 - length))))
        case .v6(let address):
            .v6(
                IPv6Address(
                    high: address.high & (length >= 64 ? ~0 : length == 0 ? 0 : ~0 << UInt64(64 - length)),
                    low: address.low & (length <= 64 ? 0 : ~0 << UInt64(128 - length))))
        }
    }
}
