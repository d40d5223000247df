// Ports that panels add and remove while the server runs, and what each has moved. What a panel adds is the panel's to
// remember: it says so again when the server has started anew.
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

actor ManagedPorts {
    /// Panels sell ports; more than this is a slip.
    private static let maximum = 8192

    private struct Port {
        let endpoint: EndpointConfiguration
        let open: OpenPort
        /// Everybody on the port: who has its key, and its users.
        let accounts: [UserAccount]

        var moved: UInt64 {
            accounts.reduce(0) { sum, account in
                let reading = account.reading
                return sum &+ reading.up &+ reading.down
            }
        }
    }

    private let opener: PortOpener
    private let template: EndpointConfiguration
    private let fixed: [ServedPort]
    private var ports: [UInt16: Port] = [:]
    /// Being opened or closed: the next command for it must wait, and gets an error instead.
    private var busy: Set<UInt16> = []

    /// What a command leaves out is as in `template`; the `fixed` ports are the configuration's.
    init(_ opener: PortOpener, like template: EndpointConfiguration, fixed: [ServedPort]) {
        self.opener = opener
        self.template = template
        self.fixed = fixed
    }

    /// The answer to a datagram.
    func answer(_ datagram: [UInt8]) async -> String {
        do throws(ManagerCommand.Fault) {
            switch try ManagerCommand(datagram) {
            case .add(let port):
                try await add(port)
                return "ok"
            case .remove(let port):
                try await remove(port)
                return "ok"
            case .list: return list()
            case .ping: return "stat: \(stat())"
            }
        } catch {
            opener.log.log(.warning, "a manager's command was refused", [("reason", "\(error)")])
            return "err: \(error)"
        }
    }

    func closeAll() async {
        for number in ports.keys { try? await remove(number) }
    }

    // MARK: Adding and removing

    private func add(_ wanted: ManagedPort) async throws(ManagerCommand.Fault) {
        guard !fixed.contains(where: { $0.port == wanted.port }) else {
            throw ManagerCommand.Fault("port \(wanted.port) is the configuration's")
        }
        guard busy.insert(wanted.port).inserted else { throw ManagerCommand.Fault("port \(wanted.port) is busy") }
        defer { busy.remove(wanted.port) }
        guard ports.count < Self.maximum else { throw ManagerCommand.Fault("there are too many ports") }
        let (keys, accounts) = try Self.keys(wanted, wanted.method ?? template.method)
        // As in the peers: what is there under that number is replaced.
        await close(wanted.port)
        var endpoint = template
        endpoint.address = TargetAddress(template.address.host, port: wanted.port)
        endpoint.method = keys.method
        endpoint.password = .text(wanted.password)
        endpoint.mode = wanted.mode ?? template.mode
        endpoint.users = []
        opener.egress.setListener(wanted.port, isOpen: true)
        do {
            let addresses = try await ListenAddress.resolve(
                [endpoint.address], with: opener.resolver, on: opener.group.any())
            let open = try await opener.open(endpoint, KeyRing(keys), at: addresses[0])
            ports[wanted.port] = Port(endpoint: endpoint, open: open, accounts: accounts)
        } catch {
            opener.egress.setListener(wanted.port, isOpen: false)
            throw ManagerCommand.Fault("\(error)")
        }
    }

    private static func keys(
        _ wanted: ManagedPort, _ method: CipherMethod
    ) throws(ManagerCommand.Fault) -> (AcceptedKeys, [UserAccount]) {
        func credential(_ secret: String) throws(ManagerCommand.Fault) -> Credential {
            guard PasswordStrength(of: secret) != .placeholder,
                let credential = try? Credential(method: method, secret: secret), credential.identities.isEmpty
            else { throw ManagerCommand.Fault("the password is no key for \(method.rawValue)") }
            return credential
        }
        let own = try credential(wanted.password)
        guard !wanted.users.isEmpty else {
            let account = UserAccount(name: "port \(wanted.port)", isEverybody: true)
            return (AcceptedKeys(own, account: account), [account])
        }
        var users: [Accepted] = []
        for user in wanted.users {
            users.append(Accepted(user: user.name, credential: try credential(user.password)))
        }
        let accounts = users.compactMap(\.account)
        if method.hasIdentityHeaders { return (AcceptedKeys(port: own, users: users), accounts) }
        guard method.edition == .sip004, users.count <= AcceptedKeys.maximumTried else {
            throw ManagerCommand.Fault("\(method.rawValue) has no users, or not so many")
        }
        return (AcceptedKeys(trying: users, shared: own), accounts)
    }

    private func remove(_ number: UInt16) async throws(ManagerCommand.Fault) {
        guard ports[number] != nil else { throw ManagerCommand.Fault("port \(number) was not added") }
        guard busy.insert(number).inserted else { throw ManagerCommand.Fault("port \(number) is busy") }
        defer { busy.remove(number) }
        await close(number)
    }

    /// Ends the port and, within about a second, what is open there.
    private func close(_ number: UInt16) async {
        guard let port = ports.removeValue(forKey: number) else { return }
        for account in port.accounts { account.judge(.removed) }
        await port.open.close()
        opener.egress.setListener(number, isOpen: false)
    }

    // MARK: Telling

    /// The ports that are open, in order.
    var openPorts: [EndpointConfiguration] { ports.sorted { $0.key < $1.key }.map(\.value.endpoint) }

    private func list() -> String {
        let rows = ports.sorted { $0.key < $1.key }.map { number, port in
            var members = [
                JSONNode.Member(key: "server_port", value: .string("\(number)")),
                JSONNode.Member(key: "method", value: .string(port.endpoint.method.rawValue)),
            ]
            if case .text(let password) = port.endpoint.password {
                members.insert(.init(key: "password", value: .string(password)), at: 1)
            }
            return JSONNode.object(members)
        }
        return JSONNode.array(rows).text
    }

    private func stat() -> String {
        JSONNode.object(
            ports.sorted { $0.key < $1.key }.map { .init(key: "\($0.key)", value: .count($0.value.moved)) }
        ).text
    }
}
