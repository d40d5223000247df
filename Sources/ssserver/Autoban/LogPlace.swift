// Where a log is to be found: the directory to watch, and the name that those of its older files go on from.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

struct LogPlace: Hashable {
    var directory: String
    var name: String

    init(_ path: String) {
        let slash = path.lastIndex(of: "/")
        directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    }

    /// The same however its directory was written; what a link at its end leads to may be another file tomorrow.
    var canonical: String {
        guard let end = realpath(directory, nil) else { return "\(directory)/\(name)" }
        defer { free(end) }
        let directory = String(cString: end)
        return directory == "/" ? "/\(name)" : "\(directory)/\(name)"
    }

    /// That of the path itself, and if it is a symbolic link that of its end.
    static func all(_ path: String) -> [LogPlace] {
        let own = LogPlace(path)
        guard let end = realpath(path, nil) else { return [own] }
        defer { free(end) }
        var target = LogPlace(String(cString: end))
        // The same directory by another name is the same.
        if target.name == own.name, FileIdentity(own.directory) == FileIdentity(target.directory) { return [own] }
        if FileIdentity(own.directory) == FileIdentity(target.directory) { target.directory = own.directory }
        return [own, target]
    }
}
