// POST /api/v1/reload: the configuration is read again.
internal import Logging
internal import SSCommon
internal import SSNetwork

enum ReloadRoutes {
    static func routes(_ reloader: Reloader, _ logger: Logger) -> AdminRoutes {
        var routes = AdminRoutes()
        let about: AdminDescription = "The configuration is read again, and put in force if nothing is wrong with it."
        routes.on(.post, "/api/v1/reload", about) { _ throws(AdminFailure) in
            do throws(Reloader.Refusal) {
                let change = try await reloader.reload()
                Reloader.log(change, logger)
                return AdminResponse(
                    200,
                    .members([
                        "changed": .array(change.applied.map { .string($0) }),
                        "needs_restart": .array(change.needsRestart.map { .string($0) }),
                    ]))
            } catch {
                throw AdminFailure(422, error.reasons.joined(separator: "\n"))
            }
        }
        return routes
    }
}
