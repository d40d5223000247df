// What is worth a line in the log about servers: another one is used, one has failed, one is back.
internal import Logging
internal import SSCommon

extension ServerSet {
    struct News {
        private enum Item {
            case fallen(UpstreamServer)
            case risen(UpstreamServer)
            case used(UpstreamServer)
        }

        private var items: [Item] = []

        /// What has changed in `contents`; nil if nothing has.
        init?(_ contents: inout Contents) {
            let changes = contents.table.takeChanges()
            if changes.isEmpty { return nil }
            for change in changes {
                switch change {
                case .state(let id, let from, let to):
                    guard let server = contents.server(id) else { continue }
                    server.wantNews(to != .healthy)
                    if to == .down { items.append(.fallen(server)) }
                    if from >= .suspect, to == .healthy { items.append(.risen(server)) }
                case .inUse(let id):
                    if let server = contents.server(id) { items.append(.used(server)) }
                }
            }
        }

        func log(_ logger: Logger) {
            for item in items {
                switch item {
                case .fallen(let server):
                    logger.warning("a server does not work", metadata: ["server": "\(server.address)"])
                case .risen(let server):
                    logger.info("a server works again", metadata: ["server": "\(server.address)"])
                case .used(let server):
                    logger.warning("another server is used", metadata: ["server": "\(server.address)"])
                }
            }
        }
    }
}
