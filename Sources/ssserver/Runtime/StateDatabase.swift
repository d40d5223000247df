// Files of the state directory that are SQLite: a transaction leaves the old or the new whatever happens
// (https://www.sqlite.org/atomiccommit.html), also to whoever is killed in the middle of one.
internal import GRDB
internal import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Why something could not be stored or read, in words for a person.
struct StoreFailure: Error, CustomStringConvertible {
    let description: String
}

enum StateDatabase {
    /// What a power cut may take; somebody who is killed loses nothing that was committed.
    enum Durability: String {
        /// Nothing: a command is acknowledged when it would survive that.
        case full = "FULL"
        /// The last transactions. Nobody waits for the disk.
        case normal = "NORMAL"
    }

    /// Opens the file, or makes it, for the owner alone; one that was only begun is not left there.
    static func open(
        _ path: String, migrator: DatabaseMigrator, _ durability: Durability
    ) throws(StoreFailure) -> DatabaseQueue {
        let isNew = try make(path)
        do {
            var configuration = GRDB.Configuration()
            configuration.journalMode = .wal
            configuration.busyMode = .timeout(2)
            let database = try DatabaseQueue(path: path, configuration: configuration)
            try migrator.migrate(database)
            // After it was opened: the library sets its own then.
            try database.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA synchronous = \(durability.rawValue)")
            }
            return database
        } catch {
            if isNew { for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) } }
            throw StoreFailure(description: "\(path): \(words(error))")
        }
    }

    /// True if there was no file yet.
    private static func make(_ path: String) throws(StoreFailure) -> Bool {
        let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW
        #if canImport(Glibc)
            var descriptor = Glibc.open(path, flags | O_CREAT | O_EXCL, 0o600)
            let isNew = descriptor >= 0
            if !isNew, errno == EEXIST { descriptor = Glibc.open(path, flags) }
        #else
            var descriptor = Darwin.open(path, flags | O_CREAT | O_EXCL, 0o600)
            let isNew = descriptor >= 0
            if !isNew, errno == EEXIST { descriptor = Darwin.open(path, flags) }
        #endif
        guard descriptor >= 0 else {
            throw StoreFailure(description: "\(path): \(String(cString: strerror(errno)))")
        }
        if isNew { giveAway(descriptor, in: path) }
        close(descriptor)
        return isNew
    }

    /// What root makes in somebody else's directory is theirs: the server, which runs as that user, reads what autoban, which may
    /// run as root, stores. SQLite does the same with its files beside it.
    private static func giveAway(_ descriptor: CInt, in path: String) {
        guard geteuid() == 0, let slash = path.lastIndex(of: "/") else { return }
        var status = stat()
        guard stat(String(path[...slash]), &status) == 0, status.st_uid != 0 else { return }
        _ = fchown(descriptor, status.st_uid, status.st_gid)
    }

    /// `body`, whose failures are put into words.
    static func catching<Result>(_ body: () throws -> Result) throws(StoreFailure) -> Result {
        do {
            return try body()
        } catch {
            throw StoreFailure(description: words(error))
        }
    }

    /// Without the statement and its arguments, which may hold keys.
    private static func words(_ error: any Error) -> String {
        guard let error = error as? DatabaseError else { return "it cannot be used" }
        return error.message ?? "\(error.resultCode)"
    }
}
