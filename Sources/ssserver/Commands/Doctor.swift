internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find what does not work, and say what to do about it.",
        discussion: """
            Looks at the machine's limits, clock, disk and firewall, at the running server's ports with their own keys, \
            and at the way out. It changes nothing. From here nobody can see whether a port is open from outside: \
            "sslocal doctor" on a laptop shows that. Exits with 1 if something is broken.
            """)

    @OptionGroup var flags: RunFlags

    @OptionGroup var doctor: DoctorFlags

    func run() async throws {
        ProcessLimits.harden()
        let checked = ConfigurationSource.server(flags)
        for secret in flags.secrets { Environment.hideArgument(secret) }
        Report.show(checked.diagnostics, outcome: checked.isUsable ? "" : "nothing was examined")
        guard let configuration = checked.configuration, checked.isUsable else { throw Report.badConfiguration }
        let report = DoctorReport(isJSON: doctor.json)
        let running = running(configuration.settings)
        report.begin("This machine")
        MachineExamination(configuration: configuration, running: running).run(report.add)
        let means = ProbeMeans(configuration.settings)
        report.begin("The way out")
        await wayOut(means, report.add)
        report.begin("The server")
        report.add(finding(running))
        let firewall = FirewallLook.sighting()
        for (endpoint, credential) in zip(configuration.listeners, checked.credentials) {
            report.begin("Port \(endpoint.address.port) (\(endpoint.method.rawValue), \(endpoint.mode.rawValue))")
            let port = PortExamination(
                endpoint: endpoint, credential: credential, means: means, running: listeners(running),
                datagramTarget: doctor.datagramTarget, firewall: firewall)
            await port.run(report.add)
        }
        report.begin("From outside")
        report.add(outside(configuration))
        await means.end()
        try report.end()
    }

    // MARK: The way out

    private func wayOut(_ means: ProbeMeans, _ say: (Finding) -> Void) async {
        let target = doctor.streamTarget
        let shown = TerminalText.plain("\(target)")
        if case .name = target.host {
            let shownHost = TerminalText.plain(HostPort(target.host).hostText)
            do throws(DialError) {
                let found = try await means.addresses(of: target.host)
                say(Finding("names", .ok, "\(shownHost) is \(found.list[0])", time: found.time))
            } catch {
                say(
                    Finding(
                        "names", .broken, "the name servers do not know \(shownHost)",
                        cure: [
                            "cat /etc/resolv.conf; or set \"nameserver\" in the configuration", "--target HOST:PORT",
                        ]
                    ))
                return say(Finding("tcp out", .skipped, "not tried"))
            }
        }
        do throws(DialError) {
            say(Finding("tcp out", .ok, "\(shown) takes connections", time: try await means.connectionTime(target)))
        } catch {
            say(
                Finding(
                    "tcp out", .broken, "\(shown) takes no connection: \(error.sentence)",
                    cure: ["does the provider, or a firewall here, let TCP out?", "try another, --target HOST:PORT"]))
        }
    }

    // MARK: The server

    /// What the running program says of itself; nil if none answers.
    private func running(_ settings: CommonSettings) -> JSONValue? {
        let answer = try? AdminSocket.client(.ssserver, settings)?.request(.get, "/api/v1/status")
        guard let status = answer?.json, status["program"]?.text == Program.ssserver.rawValue else { return nil }
        return status
    }

    private func listeners(_ running: JSONValue?) -> Set<String>? {
        running.map { Set(($0["listeners"]?.elements ?? []).compactMap { $0["address"]?.text }) }
    }

    private func finding(_ running: JSONValue?) -> Finding {
        guard let running else {
            return Finding(
                "running", .broken, "no ssserver with this configuration's state directory answers this user",
                cure: ["start it: ssserver", "if it runs as another user, run this as that user or root"])
        }
        let managed = running["listeners"]?.elements.count { $0["managed"]?.flag == true } ?? 0
        let version = TerminalText.plain(running["version"]?.text ?? "")
        let text = "ssserver \(version), \(running["streams_open"]?.integer ?? 0) streams open"
        return Finding(
            "running", .ok, text + (managed == 0 ? "" : "; \(managed) ports that a panel has opened are not looked at"))
    }

    // MARK: From outside

    private func outside(_ configuration: ServerConfiguration) -> Finding {
        let here = "open it at the provider's firewall too; sslocal doctor on a laptop shows whether it is"
        if let host = configuration.publicHost {
            return Finding("address", .ok, "links name \(TerminalText.plain("\(host)"))", cure: [here])
        }
        let found = PublicAddress(outward: OutwardAddress.current(), own: OwnAddresses.current())
        switch found.reach {
        case .everywhere: return Finding("address", .ok, "\(found.address) is this machine's own", cure: [here])
        case .overIPv6:
            return Finding(
                "address", .note, "\(found.address): laptops without IPv6 cannot reach that",
                cure: ["set \"public_host\" to the IPv4 address that the provider shows", here])
        case .privateNetwork:
            return Finding(
                "address", .note, "\(found.address) is private: laptops elsewhere need the public one",
                cure: ["set \"public_host\" to the address that the provider shows", here])
        case .nowhere:
            return Finding("address", .broken, "this machine is on no network", cure: ["connect it"])
        }
    }
}
