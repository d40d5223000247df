// What a server needs of its machine: descriptors, a right clock, a disk with room, a state directory of its own.
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

struct MachineExamination {
    let configuration: ServerConfiguration
    /// What a running ssserver says of itself; nil if none answers.
    let running: JSONValue?

    /// A stream takes two descriptors; with fewer a family's evening may run out.
    private static let fewDescriptors = 4096
    /// Bytes on the disk of the state directory below which there is a word to say.
    private static let littleRoom: UInt64 = 100 << 20

    func run(_ say: (Finding) -> Void) {
        say(descriptors)
        say(clock)
        for finding in state { say(finding) }
        if let finding = log { say(finding) }
        if let finding = congestion { say(finding) }
    }

    // MARK: Limits

    private var descriptors: Finding {
        // Of the program that serves, or as this command would have it.
        let limit =
            running?["descriptors"]?.integer ?? ProcessLimits.raiseDescriptors(to: configuration.settings.nofile)
        let text =
            "\(limit) open files, enough for \(max(0, limit - 64) / 2) streams"
            + (running == nil ? ", if it is started as this command was" : "")
        if let wanted = configuration.settings.nofile, wanted > limit {
            return Finding(
                "limits", .note, text + "; \"nofile\" asks for \(wanted)",
                cure: ["raise the hard limit: LimitNOFILE=\(wanted) in the unit, or /etc/security/limits.conf"])
        }
        guard limit < Self.fewDescriptors else { return Finding("limits", .ok, text) }
        return Finding(
            "limits", .note, text, cure: ["LimitNOFILE=65536 in the unit, or ulimit -n 65536 before the start"])
    }

    // MARK: Clock

    private var clock: Finding {
        let is2022 = configuration.listeners.contains { $0.method.edition == .sip022 }
        let need = is2022 ? "laptops must agree with it to 30 s" : "no method here needs it"
        switch ClockDiscipline.isSynchronised {
        case true: return Finding("clock", .ok, "kept by NTP; \(need)")
        case false:
            return Finding(
                "clock", .note, "nothing keeps it right; \(need)", cure: ["sudo timedatectl set-ntp true"])
        case nil: return Finding("clock", .note, "the system does not say whether it is kept right; \(need)")
        }
    }

    // MARK: Files

    private var state: [Finding] {
        let directory = StateDirectory.path(
            Program.ssserver.rawValue, configured: configuration.settings.stateDirectory)
        guard let directory else {
            return [
                Finding(
                    "files", .broken, "there is no state directory: users, replays and bans are forgotten at the end",
                    cure: ["name a \"state_directory\""])
            ]
        }
        let shown = TerminalText.plain(directory)
        guard SmallFile.exists(directory) else { return [missing(directory)] }
        guard access(directory, R_OK | W_OK | X_OK) == 0 else {
            return [
                Finding(
                    "files", .broken, "\(shown) cannot be used by this user: \(String(cString: strerror(errno)))",
                    cure: ["run this as the user who runs ssserver; or give it to them: chown -R USER \(shown)"])
            ]
        }
        var found = [Finding("files", .ok, "state is kept in \(shown)")]
        if let room = Self.room(directory) {
            let text = "\(LiveLine.bytes(room)) free where state is kept"
            found.append(
                room < Self.littleRoom
                    ? Finding(
                        "disk", .broken, text, cure: ["make room: what cannot be written is forgotten at a restart"])
                    : Finding("disk", .ok, text))
        }
        return found
    }

    /// Whether the first start can make it is up to what is there of its path.
    private func missing(_ directory: String) -> Finding {
        let shown = TerminalText.plain(directory)
        var place = directory.hasPrefix("/") ? directory : "./" + directory
        while !SmallFile.exists(place), let slash = place.lastIndex(of: "/") {
            place = slash == place.startIndex ? "/" : String(place[..<slash])
        }
        guard access(place, W_OK | X_OK) == 0 else {
            return Finding(
                "files", .broken, "\(shown) is not there, and this user cannot make it in \(TerminalText.plain(place))",
                cure: ["make it for the user who runs ssserver, or name another \"state_directory\""])
        }
        return Finding("files", .note, "\(shown) is not there yet; the first start makes it")
    }

    /// Bytes that are free to this user.
    private static func room(_ directory: String) -> UInt64? {
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { return nil }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    private var log: Finding? {
        guard let file = configuration.settings.log.file else { return nil }
        let shown = TerminalText.plain(file)
        let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let place = SmallFile.exists(file) ? file : folder.isEmpty ? (file.hasPrefix("/") ? "/" : ".") : folder
        guard access(place, W_OK) == 0 else {
            return Finding(
                "log", .broken, "\(shown) cannot be written: \(String(cString: strerror(errno)))",
                cure: ["run this as the user who runs ssserver; or give it to them"])
        }
        return Finding("log", .ok, "goes to \(shown)")
    }

    // MARK: The network stack

    /// On lossy ways BBR carries several times what CUBIC does.
    private var congestion: Finding? {
        let folder = "/proc/sys/net/ipv4/"
        func words(_ name: String) -> [Substring] {
            let bytes = (try? SmallFile(folder + name, limit: 4096))?.bytes ?? []
            return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        }
        guard let now = words("tcp_congestion_control").first else { return nil }
        if now == "bbr" { return Finding("tcp", .ok, "congestion control is bbr") }
        let isThere = words("tcp_available_congestion_control").contains("bbr")
        return Finding(
            "tcp", .note,
            "congestion control is \(TerminalText.plain(String(now))); bbr is faster where packets get lost",
            cure: [
                isThere ? nil : "sudo modprobe tcp_bbr",
                "echo net.ipv4.tcp_congestion_control=bbr | sudo tee /etc/sysctl.d/99-bbr.conf && sudo sysctl --system",
            ].compactMap(\.self))
    }
}
