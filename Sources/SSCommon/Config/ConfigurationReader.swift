// Puts file and flags together and reports what does not fit: the part that ssserver and sslocal share. A
// flag wins over the file wherever the file says the same thing, in every entry of `servers` too.

struct ConfigurationReader {
    let program: Program
    let environment: (String) -> String?
    /// The flags, by the key they stand for.
    private(set) var flags: [String: Setting] = [:]
    /// Whether there is a file at all.
    let hasFile: Bool
    private(set) var top: CheckedSection
    /// False if the file could not be read to its end; nothing is concluded from the part that was.
    private(set) var isReadable = true
    var faults = FaultList()

    /// The name under which flags are reported.
    static let commandLine = "command line"

    init(
        _ program: Program, file: (bytes: [UInt8], path: String)?, overrides: CommandLineOverrides,
        environment: @escaping (String) -> String?
    ) {
        self.program = program
        self.environment = environment
        hasFile = file != nil
        let line = CommandLineText(overrides)
        let lineSource = SourceText(path: Self.commandLine, bytes: Array(line.shown.utf8), isNumbered: false)
        top = CheckedSection(span: SourceSpan(0, 0), source: lineSource)
        if let file { readFile(file.bytes, file.path) }
        readFlags(line, lineSource, verbosity: overrides.verbosity)
    }

    private mutating func readFile(_ bytes: [UInt8], _ path: String) {
        let document = JSONDocument(bytes, path: path)
        for fault in document.faults {
            faults.add(
                fault.code, fault.message, at: fault.span, in: document.source, label: fault.label, help: fault.help)
        }
        guard let root = document.root else {
            isReadable = false
            return
        }
        guard case .object = root.kind else {
            faults.add(
                .notAnObject, "a configuration is an object", at: SourceSpan(root.span.start, root.span.start + 1),
                in: document.source, label: "\"{\" belongs here")
            isReadable = false
            return
        }
        var checker = SettingChecker(program: program, source: document.source, faults: faults)
        if let section = checker.section(root, as: .top, shown: "the configuration") { top = section }
        faults = checker.faults
    }

    private mutating func readFlags(_ line: CommandLineText, _ source: SourceText, verbosity: Int) {
        var checker = SettingChecker(program: program, source: source, faults: faults)
        for flag in line.flags {
            let value = JSONValue(.string(flag.value), flag.span)
            if let setting = checker.setting(value, flag.type, shown: flag.name) {
                flags[flag.key] = setting
            } else {
                top.faulty.formUnion(SettingChecker.leftUnsaid(by: value, of: flag.key))
            }
        }
        if let span = line.bothModes {
            checker.faults.add(.conflict, "-u and -U exclude each other", at: span, in: source, help: "keep one")
        }
        faults = checker.faults
        if let password = flags["password"] {
            if flags["password_file"] != nil {
                report(.conflict, "-k and --password-file exclude each other", password, help: "keep --password-file")
            }
            report(
                .visiblePassword, "a password on the command line", password,
                label: "every local user can see it in ps",
                help: "use --password-file, or a configuration with \"password\": \"${VARIABLE}\"")
        }
        if verbosity > 0 {
            flags["log_level"] = Setting(
                content: .logLevel(verbosity == 1 ? .debug : .trace), span: SourceSpan(0, 0), source: source,
                shown: "-v")
        }
    }

    // MARK: Reporting

    mutating func report(
        _ code: DiagnosticCode, _ message: String, _ setting: Setting, label: String = "", help: String? = nil
    ) {
        faults.add(code, message, at: setting.span, in: setting.source, label: label, help: help)
    }

    /// A key that must be there and is not, neither as a flag nor in the file.
    mutating func reportMissing(_ key: String, flag: String, in section: CheckedSection, fix: String) {
        if section.faulty.contains(key) || top.faulty.contains(key) { return }
        if hasFile {
            faults.add(
                .missingKey, "\"\(key)\" is missing", at: section.span, in: section.source, label: "in this object",
                help: fix)
        } else {
            faults.add(
                Diagnostic(
                    .missingKey, "\(flag) is missing", path: Self.commandLine,
                    help: "give \(flag), or a configuration with -c FILE"))
        }
    }

    /// Says that a setting of ours is understood and does nothing yet.
    mutating func reportNotActedOn(_ setting: Setting) {
        faults.add(
            .notActedOn, "\(setting.shown) is not acted on by this version", at: setting.keySpan ?? setting.span,
            in: setting.source)
    }

    // MARK: What both programs read

    mutating func common() -> CommonSettings {
        var settings = CommonSettings()
        settings.nameservers = top.elements("nameserver").flatMap { $0.nameservers ?? [] }
        settings.ipv6First = top["ipv6_first"]?.flag ?? settings.ipv6First
        settings.udpTimeout = top["udp_timeout"]?.time ?? settings.udpTimeout
        settings.fastOpen = top["fast_open"]?.flag ?? settings.fastOpen
        settings.noDelay = top["no_delay"]?.flag ?? settings.noDelay
        settings.keepAlive = top["keep_alive"]?.time.flatMap { $0 == .zero ? nil : $0 }
        settings.nofile = (flags["nofile"] ?? top["nofile"])?.number
        settings.workers = top["workers"]?.number
        settings.stateDirectory = top["state_directory"]?.text
        settings.adminSocket = top["admin"]?.section?["socket"]?.text ?? settings.adminSocket
        if let acl = flags["acl"] ?? top["acl"] {
            settings.acl = acl.text
            if program == .local { reportNotActedOn(acl) }
        }
        settings.log = log()
        return settings
    }

    private func log() -> LogConfiguration {
        var log = LogConfiguration()
        let section = top["log"]?.section
        if case .logLevel(let level) = (flags["log_level"] ?? section?["level"])?.content { log.level = level }
        if case .logFormat(let format) = (flags["log_format"] ?? section?["format"])?.content { log.format = format }
        log.file = section?["file"]?.text
        return log
    }

    /// Two listeners of one program cannot have the same address.
    mutating func reportSameListeners(_ listeners: [(address: TargetAddress, mode: RelayMode, setting: Setting)]) {
        var seen: [TargetAddress: [RelayMode]] = [:]
        for listener in listeners {
            let others = seen[listener.address] ?? []
            let mode = listener.mode
            seen[listener.address, default: []].append(mode)
            guard others.contains(where: { $0.hasTCP && mode.hasTCP || $0.hasUDP && mode.hasUDP }) else { continue }
            report(
                .sameListener, "\(listener.address) is listened on twice", listener.setting,
                help: "give it another port")
        }
    }
}
