// What one configuration says otherwise than another, for the log: never what keys are, only that they are others.
internal import SSCommon

struct ConfigurationChange: Sendable {
    /// What is in force now, such as "egress" and "blacklist.files +1".
    private(set) var applied: [String] = []
    /// What a start anew would change.
    private(set) var needsRestart: [String] = []

    init(from old: ServerConfiguration, to new: ServerConfiguration) {
        compareListeners(old.listeners, new.listeners)
        if old.egress != new.egress { applied.append("egress") }
        if old.limits != new.limits { applied.append("limits") }
        count("blacklist.files", old.blacklist.files, new.blacklist.files)
        count("blacklist.rules", old.blacklist.rules.map(\.text), new.blacklist.rules.map(\.text))
        count("blacklist.clients", old.blacklist.clients.map(\.text), new.blacklist.clients.map(\.text))
        if old.blacklist.sniff != new.blacklist.sniff { applied.append("blacklist.sniff") }
        if old.blacklist.contact != new.blacklist.contact { applied.append("blacklist.contact") }
        if old.blacklist.endsSessions != new.blacklist.endsSessions { applied.append("blacklist.end_sessions") }
        if old.settings.acl != new.settings.acl { applied.append("acl") }
        if new.cache.isEnabled, old.cache != new.cache { applied.append("cache") }
        compareSettings(old, new)
    }

    private mutating func compareListeners(_ old: [EndpointConfiguration], _ new: [EndpointConfiguration]) {
        for endpoint in new {
            let place = "\(endpoint.address)"
            guard let former = old.first(where: { $0.address == endpoint.address && $0.mode == endpoint.mode }) else {
                applied.append("\(place) opened")
                continue
            }
            if former.method != endpoint.method || former.timeout != endpoint.timeout {
                applied.append("\(place) opened anew")
            }
            if former.password != endpoint.password { applied.append("\(place) key") }
            let (before, after) = (Set(former.users.map(\.name)), Set(endpoint.users.map(\.name)))
            let (come, gone) = (after.subtracting(before).count, before.subtracting(after).count)
            if come + gone > 0 {
                applied.append("\(place) users" + (come > 0 ? " +\(come)" : "") + (gone > 0 ? " -\(gone)" : ""))
            } else if former.users != endpoint.users {
                applied.append("\(place) users' keys or limits")
            }
        }
        for endpoint in old where !new.contains(where: { $0.address == endpoint.address && $0.mode == endpoint.mode }) {
            applied.append("\(endpoint.address) closed")
        }
    }

    private mutating func count(_ name: String, _ old: [String], _ new: [String]) {
        let (before, after) = (Set(old), Set(new))
        let (come, gone) = (after.subtracting(before).count, before.subtracting(after).count)
        guard come + gone > 0 else { return }
        applied.append(name + (come > 0 ? " +\(come)" : "") + (gone > 0 ? " -\(gone)" : ""))
    }

    private mutating func compareSettings(_ old: ServerConfiguration, _ new: ServerConfiguration) {
        let (before, after) = (old.settings, new.settings)
        let compared: KeyValuePairs<String, Bool> = [
            "log": before.log != after.log, "nameserver": before.nameservers != after.nameservers,
            "workers": before.workers != after.workers, "nofile": before.nofile != after.nofile,
            "state_directory": before.stateDirectory != after.stateDirectory,
            "admin.socket": before.adminSocket != after.adminSocket,
            "admin.token_file": old.admin.tokenFile != new.admin.tokenFile,
            "udp_timeout": before.udpTimeout != after.udpTimeout,
            "ipv6_first": before.ipv6First != after.ipv6First, "no_delay": before.noDelay != after.noDelay,
            "keep_alive": before.keepAlive != after.keepAlive, "manager_address": old.manager != new.manager,
            "cache.enabled": old.cache.isEnabled != new.cache.isEnabled,
            "cache.disk": old.cache.disk != new.cache.disk || old.cache.directory != new.cache.directory,
        ]
        needsRestart = compared.filter(\.value).map(\.key)
    }
}
