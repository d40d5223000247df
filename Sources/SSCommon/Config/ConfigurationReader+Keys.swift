// Methods, passwords and users: what must be there, what is refused, and what is only advised against.

extension ConfigurationReader {
    mutating func method(of entry: CheckedSection) -> CipherMethod? {
        guard let setting = flags["method"] ?? entry["method"] ?? top["method"], let name = setting.text else {
            reportMissing(
                "method", flag: "-m METHOD", in: entry,
                fix: "add \"method\": \"chacha20-ietf-poly1305\", the same on both ends")
            return nil
        }
        let known = ChoiceList.text(MethodName.supported)
        switch MethodName(name) {
        case .known(let method): return method
        case .refused(let reason):
            report(
                .insecureMethod, "method \(TerminalText.quote(name)) is refused", setting, label: "it protects nobody",
                help: "\(reason); use \(known)")
        case .later:
            report(
                .unsupportedMethod, "method \(TerminalText.quote(name)) is not in this version yet", setting,
                help: "use \(known)")
        case .unknown(let suggestion):
            report(
                .unknownMethod, "unknown method \(TerminalText.quote(name))", setting,
                help: suggestion.map { "did you mean \"\($0)\"?" } ?? "use \(known)")
        }
        return nil
    }

    // MARK: Passwords

    mutating func password(of entry: CheckedSection) -> PasswordSource? {
        if let flag = flags["password_file"], let path = flag.text { return .file(path) }
        if let flag = flags["password"] { return password(from: flag, expands: false) }
        for section in [entry, top] {
            let text = section["password"]
            let file = section["password_file"]
            if let text, let file {
                report(
                    .conflict, "\(text.shown) and \(file.shown) exclude each other", file, help: "keep one of the two")
                return nil
            }
            if let text { return password(from: text) }
            if let path = file?.text { return .file(path) }
            if section.faulty.contains("password") || section.faulty.contains("password_file") { return nil }
        }
        reportMissing(
            "password", flag: "--password-file FILE", in: entry,
            fix: "add \"password\" (make one with: ssserver genkey METHOD) or \"password_file\"")
        return nil
    }

    /// The password of a setting, judged; a flag is taken as it is.
    mutating func password(from setting: Setting, expands: Bool = true) -> PasswordSource? {
        guard let password = expands ? expanded(setting) : setting.text else { return nil }
        return judge(password, setting) ? .text(password) : nil
    }

    /// The text of a setting, where `"${NAME}"` is read from the environment.
    mutating func expanded(_ setting: Setting) -> String? {
        guard let text = setting.text, text.hasPrefix("${"), text.hasSuffix("}") else { return setting.text }
        let name = String(text.dropFirst(2).dropLast())
        if let value = environment(name), !value.isEmpty { return value }
        report(
            .missingVariable, "environment variable \(TerminalText.quote(name)) is not set", setting,
            help: "set it for the program, or use \"password_file\"")
        return nil
    }

    /// False for the example's placeholder.
    private mutating func judge(_ password: String, _ setting: Setting) -> Bool {
        let weakness: String
        switch PasswordStrength(of: password) {
        case .strong: return true
        case .placeholder:
            report(
                .exampleKey, "this is the example's key, not yours", setting,
                help: "make your own with: ssserver genkey METHOD")
            return false
        case .wellKnown: weakness = "it is printed in manuals and lists of passwords"
        case .short(let length): weakness = "\(length == 1 ? "1 character" : "\(length) characters")"
        case .guessable(let bits): weakness = "about \(bits) bits"
        }
        report(
            .weakPassword, "weak password", setting, label: weakness,
            help: "whoever records one packet can guess at leisure; make a key with: ssserver genkey METHOD")
        return true
    }

    // MARK: Users

    mutating func users(of entry: CheckedSection) -> [UserConfiguration] {
        guard let list = entry["users"], !list.elements.isEmpty else { return [] }
        reportNotActedOn(list)
        var names: Set<String> = []
        return list.elements.compactMap { element in
            guard let user = element.section else { return nil }
            guard let name = user["name"]?.text else {
                missing("name", in: user)
                return nil
            }
            if !names.insert(name).inserted, let setting = user["name"] {
                report(.repeatedKey, "two users named \(TerminalText.quote(name))", setting)
            }
            guard let setting = user["password"] else {
                missing("password", in: user)
                return nil
            }
            guard let password = password(from: setting) else { return nil }
            return UserConfiguration(
                name: name, password: password, quota: user["quota"]?.size, rate: user["rate"]?.size,
                streams: user["streams"]?.number, expires: user["expires"]?.text)
        }
    }

    mutating func missing(_ key: String, in section: CheckedSection) {
        if section.faulty.contains(key) { return }
        faults.add(
            .missingKey, "\"\(key)\" is missing", at: section.span, in: section.source, label: "in this object")
    }
}
