// What stands behind the dollar sign of an Adblock rule.
internal import SSCommon

/// Options that change nothing for a server that refuses whole hosts, or that it can do something about.
struct ListLineOptions: Hashable, Sendable {
    /// Whom the rule is for; empty for everybody.
    private(set) var users: [String] = []

    private static let harmless: Set = ["important", "all", "document", "doc", "third-party", "3p", ""]

    /// Nil where one depends on what only a browser knows.
    init?(_ text: ArraySlice<UInt8>) {
        for option in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            if option.starts(with: "client=".utf8) {
                for part in option.dropFirst(7).split(separator: UInt8(ascii: "|")) {
                    guard let user = Self.user(part) else { return nil }
                    users.append(user)
                }
                guard !users.isEmpty else { return nil }
            } else if !Self.harmless.contains(String(decoding: option, as: UTF8.self)) {
                return nil
            }
        }
    }

    /// A name, perhaps in quotation marks. Addresses are no users, and all but somebody is nobody in particular.
    private static func user(_ text: ArraySlice<UInt8>) -> String? {
        var text = text
        for mark in "'\"".utf8 where text.count > 1 && text.first == mark && text.last == mark {
            text = text.dropFirst().dropLast()
        }
        let name = String(decoding: text, as: UTF8.self)
        let isAddress = IPAddress(name) != nil || IPPrefix(name) != nil
        return name.isEmpty || name.hasPrefix("~") || isAddress ? nil : name
    }
}
