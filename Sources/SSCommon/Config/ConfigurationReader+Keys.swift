// Methods, passwords and users: what must be there, what is refused, and what is only advised against.

extension ConfigurationReader {
    /// The method that keys are judged by; nil, and no word about it, if there is none.
    func namedMethod(of entry: CheckedSection) -> CipherMethod? {
        guard let name = (flags["method"] ?? entry["method"] ?? top["method"])?.text else { return nil }
        guard case .known(let method) = MethodName(name) else { return nil }
        return method
    }

    mutating func method(of entry: CheckedSection) -> CipherMethod? {
        guard let setting = flags["method"] ?? entry["method"] ?? top["method"], let name = setting.text else {
            reportMissing(
                "method", flag: "-m METHOD", in: entry,
                fix: "add \"method\": \"2022-blake3-aes-256-gcm\", the same on both ends")
            return nil
        }
        let known = ChoiceList.text(MethodName.supported)
        switch MethodName(name) {
        case .known(let method): return method
        case .refused(let reason):
            report(
                .insecureMethod, "method \(TerminalText.quote(name)) is refused", setting, label: "it protects nobody",
                help: "\(reason); use 2022-blake3-aes-256-gcm")
        case .rare:
            report(
                .unsupportedMethod, "method \(TerminalText.quote(name)) is not in this version", setting,
                help: "use 2022-blake3-chacha20-poly1305")
        case .unknown(let suggestion):
            report(
                .unknownMethod, "unknown method \(TerminalText.quote(name))", setting,
                help: suggestion.map { "did you mean \"\($0)\"?" } ?? "use \(known)")
        }
        return nil
    }

    // MARK: Passwords

    /// Judged by `method`, if that is known.
    mutating func password(of entry: CheckedSection, _ method: CipherMethod?) -> PasswordSource? {
        if let flag = flags["password_file"], let path = flag.text { return .file(path) }
        if let flag = flags["password"] { return password(from: flag, method, expands: false) }
        for section in [entry, top] {
            let text = section["password"]
            let file = section["password_file"]
            if let text, let file {
                report(
                    .conflict, "\(text.shown) and \(file.shown) exclude each other", file, help: "keep one of the two")
                return nil
            }
            if let text { return password(from: text, method) }
            if let path = file?.text { return .file(path) }
            if section.faulty.contains("password") || section.faulty.contains("password_file") { return nil }
        }
        reportMissing(
            "password", flag: "--password-file FILE", in: entry,
            fix: "add \"password\" (make one with: ssserver genkey METHOD) or \"password_file\"")
        return nil
    }

    /// The password of a setting, judged; a flag is taken as it is.
    mutating func password(
        from setting: Setting, _ method: CipherMethod?, expands: Bool = true
    ) -> PasswordSource? {
        guard let password = expands ? expanded(setting) : setting.text else { return nil }
        return judge(password, setting, method) ? .text(password) : nil
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

    /// False for the example's placeholder, and for what is no key of the method.
    private mutating func judge(_ password: String, _ setting: Setting, _ method: CipherMethod?) -> Bool {
        let weakness: String
        let strength = PasswordStrength(of: password)
        if let method, method.edition == .sip022, strength != .placeholder {
            guard judgeKeys(password, setting, method) else { return false }
            // Random bytes or none: how guessable their text looks says nothing, only whether it was printed somewhere.
            if strength != .wellKnown { return true }
        }
        switch strength {
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

    private mutating func judgeKeys(_ text: String, _ setting: Setting, _ method: CipherMethod) -> Bool {
        do throws(PreSharedKeys.Fault) {
            let keys = try PreSharedKeys.decode(text, for: method)
            if program == .local || keys.count == 1 { return true }
            report(
                .badKey, "more than one key", setting, label: "that is what a client has",
                help: "a server's own key is the first of them; the users' belong in \"users\"")
        } catch {
            report(
                .badKey, error.message(method), setting, label: error.label(method),
                help: "make one with: ssserver genkey \(method.rawValue)")
        }
        return false
    }

    // MARK: Users

    /// Users that are found by trying their keys.
    private static let maximumTried = AcceptedKeys.maximumTried

    /// Nil where there is no such key.
    mutating func users(of entry: CheckedSection, _ method: CipherMethod?) -> [UserConfiguration]? {
        guard let list = entry["users"] else { return nil }
        if let method, method.edition == .sip022, !method.hasIdentityHeaders, !list.elements.isEmpty {
            report(
                .unsupported, "\(method.rawValue) has no users", list,
                help: "use 2022-blake3-aes-256-gcm or 2022-blake3-aes-128-gcm")
        }
        if method?.edition == .sip004, list.elements.count > Self.maximumTried {
            report(
                .outOfRange, "too many users", list,
                label: "\(list.elements.count), and a classic method finds them by trying their keys",
                help: "at most \(Self.maximumTried); the 2022 AES methods have no such limit")
        }
        var names: Set<String> = []
        var keys: Set<[UInt8]> = []
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
            guard let password = password(from: setting, method) else { return nil }
            // However they are written.
            if case .text(let text) = password, !keys.insert(Base64.decode(text) ?? [UInt8](text.utf8)).inserted {
                report(.repeatedKey, "two users with one key", setting, help: "a key names its user: one for each")
            }
            return UserConfiguration(
                name: name, password: password, quota: positive("quota", of: user), rate: positive("rate", of: user),
                streams: user["streams"]?.number, expires: user["expires"]?.text)
        }
    }

    private mutating func positive(_ key: String, of user: CheckedSection) -> UInt64? {
        guard let setting = user[key], setting.size == 0 else { return user[key]?.size }
        report(
            .outOfRange, "a \"\(key)\" of 0 would let nothing through", setting,
            help: "\"expires\" says from which day on a user is not served; or leave the user out")
        return nil
    }

    mutating func missing(_ key: String, in section: CheckedSection) {
        if section.faulty.contains(key) { return }
        faults.add(
            .missingKey, "\"\(key)\" is missing", at: section.span, in: section.source, label: "in this object")
    }
}
