// Which request means what: a table of methods and paths. A part of a path that begins with ":" stands for any one part.
internal import SSCommon

package struct AdminRoutes: Sendable {
    package typealias Action = @Sendable (AdminRequest) async throws(AdminFailure) -> AdminResponse

    private struct Route: Sendable {
        let method: AdminMethod
        let parts: [Substring]
        let about: AdminDescription
        let action: Action

        /// As OpenAPI has it: `/api/v1/users/{name}`.
        var template: String {
            parts.map { $0.first == ":" ? "/{\($0.dropFirst())}" : "/\($0)" }.joined()
        }

        var parameters: [String] { parts.filter { $0.first == ":" }.map { String($0.dropFirst()) } }
    }

    private var routes: [Route] = []

    package init() {}

    /// `path` begins with a slash, such as `/api/v1/users/:name`.
    package mutating func on(
        _ method: AdminMethod, _ path: String, _ about: AdminDescription, _ action: @escaping Action
    ) {
        routes.append(
            Route(method: method, parts: path.dropFirst().split(separator: "/"), about: about, action: action))
    }

    /// Adds all of `others`.
    package mutating func add(_ others: AdminRoutes) {
        routes += others.routes
    }

    /// These, and one that describes them all.
    package func described(title: String, version: String) -> AdminRoutes {
        let path = "/api/v1/openapi.json"
        var all = self
        all.on(.get, path, "This description.") { _ in AdminResponse(200, .null) }
        let document = AdminDescription.document(
            title: title, version: version,
            all.routes.map { ($0.template, $0.method, $0.about.operation(pathParameters: $0.parameters)) })
        all.routes.removeLast()
        all.on(.get, path, "This description.") { _ in AdminResponse(200, document) }
        return all
    }

    /// The answer to `method` at `target`, an origin-form of RFC 9112 section 3.2.1. HEAD is a GET whose body is not sent.
    package func answer(_ method: String, _ target: String, body: [UInt8]) async -> AdminResponse {
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var parts: [String] = []
        for part in halves.first?.split(separator: "/") ?? [] {
            guard let plain = PercentCoding.decode(part) else {
                return AdminFailure(400, "the path is not well percent-encoded").response
            }
            parts.append(plain)
        }
        var allowed: [String] = []
        for route in routes {
            guard let parameters = Self.match(route.parts, parts) else { continue }
            guard route.method.rawValue == method || (route.method == .get && method == "HEAD") else {
                allowed.append(route.method.rawValue)
                continue
            }
            let query = halves.count > 1 ? Self.query(halves[1]) : [:]
            do throws(AdminFailure) {
                return try await route.action(AdminRequest(parameters: parameters, query: query, body: body))
            } catch {
                return error.response
            }
        }
        guard !allowed.isEmpty else { return AdminFailure(404, "there is nothing at this path").response }
        return AdminFailure(405, "this path takes \(allowed.joined(separator: ", "))").response
    }

    /// What the parameters are if `parts` fits `pattern`.
    private static func match(_ pattern: [Substring], _ parts: [String]) -> [String: String]? {
        guard pattern.count == parts.count else { return nil }
        var parameters: [String: String] = [:]
        for (wanted, part) in zip(pattern, parts) {
            if wanted.first == ":" {
                parameters[String(wanted.dropFirst())] = part
            } else if wanted != part {
                return nil
            }
        }
        return parameters
    }

    private static func query(_ text: Substring) -> [String: String] {
        var query: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = PercentCoding.decode(sides[0]), query[key] == nil else { continue }
            query[key] = sides.count > 1 ? PercentCoding.decode(sides[1]) ?? "" : ""
        }
        return query
    }
}
