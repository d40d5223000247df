// The owner's rules by the admin API: what they are, which of them decides about an address, and adding and removing some.
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

enum BlacklistRoutes {
    private static let path = "/api/v1/blacklist"
    /// Rules of one request.
    private static let maximumRules = 10_000

    static func routes(
        _ rules: PolicyKeeper, _ policy: PolicyInForce, _ egress: EgressGuard, _ resolver: any NameResolver,
        _ group: any EventLoopGroup
    ) -> AdminRoutes {
        var routes = AdminRoutes()
        let inquiry = BlacklistInquiry(policy: policy, egress: egress, resolver: resolver, group: group)
        let looking = AdminDescription(
            "All rules by where they stand; or which of them decides about a host or URL.",
            query: [.init("of", "a host, address or URL"), .init("user", "for whom")])
        routes.on(.get, path, looking) { request throws(AdminFailure) in
            guard let text = request.query["of"] else {
                return AdminResponse(200, overview(await rules.overview, policy))
            }
            guard let question = BlockedQuestion(text) else {
                throw AdminFailure(400, "\(TerminalText.quote(text)) is no host, address or URL")
            }
            return AdminResponse(200, json(await inquiry.answer(question, user: request.query["user"]), question))
        }
        let adding = AdminDescription(
            "Adds rules, all or none; they are stored when this returns.",
            body: [
                .init("rule", "one rule"), .init("rules", "several", .texts),
                .init("user", "for whom; null for everybody", mayBeNull: true),
                .init("force", "true, if a rule is meant that refuses nearly everything", .flag),
            ], success: 201)
        routes.on(.post, path, adding) { request throws(AdminFailure) in
            let body = try request.json()
            let user = try user(body["user"])
            let isSure = body["force"]?.flag == true
            let texts = try texts(body)
            let changes: [PolicyKeeper.Change]
            do throws(RuleFault) {
                changes = try await rules.add(texts, user: user, isSure: isSure)
            } catch {
                throw failure(error)
            }
            let isNew = changes.contains { if case .done = $0 { true } else { false } }
            return AdminResponse(isNew ? 201 : 200, .members(["rules": .array(changes.map(json))]))
        }
        let removing = AdminDescription(
            "Removes rules that were added, all or none; several by a body such as that of POST.",
            query: [.init("rule", "the rule as it was written"), .init("user", "for whom")], success: 204)
        routes.on(.delete, path, removing) { request throws(AdminFailure) in
            let texts: [String]
            if let rule = request.query["rule"] { texts = [rule] } else { texts = try Self.texts(try request.json()) }
            do throws(RuleFault) {
                _ = try await rules.remove(texts, user: request.query["user"])
            } catch {
                throw failure(error)
            }
            return .done
        }
        return routes
    }

    // MARK: Reading

    /// `{"rule": "…"}` or `{"rules": ["…", …]}`.
    private static func texts(_ body: JSONValue) throws(AdminFailure) -> [String] {
        for member in body.members where !["rule", "rules", "user", "force"].contains(member.key) {
            throw AdminFailure(400, "unknown key \(TerminalText.quote(member.key))")
        }
        if let rule = body["rule"]?.text { return [rule] }
        guard let rules = body["rules"]?.elements, !rules.isEmpty else {
            throw AdminFailure(400, "\"rule\" is missing")
        }
        guard rules.count <= maximumRules else { throw AdminFailure(400, "at most \(maximumRules) rules at once") }
        let texts = rules.compactMap(\.text)
        guard texts.count == rules.count else { throw AdminFailure(400, "a rule must be text") }
        return texts
    }

    private static func user(_ value: JSONValue?) throws(AdminFailure) -> String? {
        guard let value, !value.isNull else { return nil }
        guard let name = value.text, !name.isEmpty else { throw AdminFailure(400, "\"user\" must be a name, or null") }
        return name
    }

    static func failure(_ fault: RuleFault) -> AdminFailure {
        let status =
            switch fault.path {
            case PolicyKeeper.sweeping: 409
            case PolicyKeeper.missing: 404
            case PolicyKeeper.notStored: 503
            default: 400
            }
        return AdminFailure(status, "\(fault.reason); \(fault.help)")
    }

    // MARK: Writing

    private static func json(_ change: PolicyKeeper.Change) -> JSONNode {
        switch change {
        case .done(let rule): .object(members(rule) + [.init(key: "new", value: .bool(true))])
        case .already(let rule): .object(members(rule) + [.init(key: "new", value: .bool(false))])
        }
    }

    private static func members(_ rule: StoredRule) -> [JSONNode.Member] {
        [
            .init(key: "rule", value: .string(rule.text)), .init(key: "user", value: JSONNode(rule.user)),
            .init(key: "added", value: .count(rule.added)),
        ]
    }

    private static func overview(_ overview: PolicyKeeper.Overview, _ policy: PolicyInForce) -> JSONNode {
        let counts = policy.refusals.counts
        return .members([
            "rules": .array(overview.commands.map { .object(members($0)) }),
            "configured": .array(
                overview.configured.map {
                    .members(["rule": .string($0.text), "source": .string($0.source), "line": .number(Int64($0.line))])
                }),
            "files": .array(
                overview.files.map { file in
                    .members([
                        "path": .string(file.path), "lines": .number(Int64(file.report.lines)),
                        "rules": .number(Int64(file.report.rules)), "bad_lines": .number(Int64(file.report.badLines)),
                        "unused": JSONNode(file.report.unused), "refused": .count(counts[file.path] ?? 0),
                    ])
                }),
            "count": .number(Int64(overview.count)),
            "refused": .object(counts.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .count($0.value)) }),
        ])
    }

    private static func json(_ answer: BlacklistInquiry.Answer, _ question: BlockedQuestion) -> JSONNode {
        var members: [JSONNode.Member] = [
            .init(key: "of", value: .string(question.shown)), .init(key: "blocked", value: .bool(answer.isRefused)),
        ]
        if let rule = answer.rule {
            let (source, line) = rule.origin
            members += [
                .init(key: "rule", value: .string(rule.rule)), .init(key: "source", value: .string(source)),
                .init(key: "line", value: .number(Int64(line))),
                .init(key: "allows", value: .bool(rule.isAllowed)),
            ]
        }
        if let address = answer.address { members.append(.init(key: "address", value: .string("\(address)"))) }
        if let reason = answer.reason { members.append(.init(key: "reason", value: .string(reason))) }
        if let note = answer.note { members.append(.init(key: "note", value: .string(note))) }
        return .object(members)
    }
}
