// POST /manager: the payload of older panels, {"user", "pswrd", "func", "url"}, as commands about rules. Who can open the socket
// needs no password; whoever passes requests on from elsewhere does, so this asks for one.
internal import Logging
internal import SSCommon
internal import SSNetwork

enum ManagerRoutes {
    private enum Function: String, CaseIterable {
        case block = "blklst"
        case unblock = "rmblklst"
        case ban = "usrBan"
        case unban = "usrUnban"
    }

    /// The only user.
    private static let user = "admin"
    /// What a wrong password costs.
    private static let penalty = Duration.seconds(1)

    /// `token` is nil where the configuration names no file.
    static func routes(_ rules: PolicyKeeper, _ token: AdminToken?, _ logger: Logger) -> AdminRoutes {
        var routes = AdminRoutes()
        let about = AdminDescription(
            "Blocks and unblocks addresses, and bans and unbans users and clients.",
            body: [
                .init("user", "\"\(user)\"", isNeeded: true),
                .init("pswrd", "what the file of admin.token_file holds", isNeeded: true),
                .init("func", Function.allCases.map(\.rawValue).joined(separator: ", "), isNeeded: true),
                .init("url", "a host, URL or other rule; a user, address or range to ban", isNeeded: true),
            ])
        routes.on(.post, "/manager", about) { request throws(AdminFailure) in
            guard let token else {
                throw AdminFailure(403, "there is no password to ask for: set \"token_file\" in \"admin\"")
            }
            let body = try request.json()
            func text(_ key: String) throws(AdminFailure) -> String {
                guard let text = body[key]?.text, !text.isEmpty else {
                    throw AdminFailure(400, "\"\(key)\" is missing")
                }
                return text
            }
            let (name, password) = (try text("user"), try text("pswrd"))
            guard token.matches(password), name == user else {
                logger.warning("somebody without the password was turned away from /manager")
                try? await Task.sleep(for: penalty)
                throw AdminFailure(401, "the user or the password is wrong")
            }
            guard let function = Function(rawValue: try text("func")) else {
                let known = Function.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
                throw AdminFailure(400, "\"func\" must be one of \(known)")
            }
            return try await answer(function, try text("url"), rules)
        }
        return routes
    }

    private static func answer(
        _ function: Function, _ text: String, _ rules: PolicyKeeper
    ) async throws(AdminFailure) -> AdminResponse {
        let rule = function == .ban || function == .unban ? ban(text) : text
        var isNew = true
        do throws(RuleFault) {
            switch function {
            case .block, .ban:
                isNew = try await rules.add([rule], user: nil, isSure: false).contains {
                    if case .done = $0 { true } else { false }
                }
            case .unblock, .unban: _ = try await rules.remove([rule], user: nil)
            }
        } catch {
            throw BlacklistRoutes.failure(error)
        }
        return AdminResponse(
            200, .members(["func": .string(function.rawValue), "rule": .string(rule), "changed": .bool(isNew)]))
    }

    /// The rule that refuses somebody everything.
    private static func ban(_ text: String) -> String {
        let text = text.withoutOuterBlanks
        if text.hasPrefix("user:") || text.hasPrefix("client:") { return String(text) }
        return IPAddress(text.prefix { $0 != "/" }) == nil ? "user:\(text)" : "client:\(text)"
    }
}
