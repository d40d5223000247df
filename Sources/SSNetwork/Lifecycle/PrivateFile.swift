// Files that hold keys: the owner's alone from their first instant, whole or not there at all, whenever the power goes.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

package enum PrivateFile {
    package enum Failure: Error, Hashable, Sendable {
        /// Something has the name already, and it is not to be replaced.
        case exists
        /// In words for a person.
        case system(String)
    }

    /// Writes `text` to `path` with mode 0600, into a folder that is made (0700) if it is missing. Replaces what is there
    /// only if told to.
    package static func save(_ text: String, to path: String, replacing: Bool) throws(Failure) {
        let (folder, name) = split(path)
        guard !name.isEmpty, name != ".", name != ".." else { throw .system("the path names no file") }
        do throws(StateDirectory.Failure) {
            try StateDirectory.make(folder)
        } catch {
            throw .system("cannot \(error)")
        }
        // What is certain to fail needs no file that holds a key for a moment.
        if !replacing, exists(path) { throw .exists }
        let (descriptor, scratch) = try makeScratch(folder, name)
        do throws(Failure) {
            defer { close(descriptor) }
            try fill(descriptor, text)
            try place(scratch, at: path, replacing: replacing)
        } catch {
            unlink(scratch)
            throw error
        }
        synchronize(folder)
    }

    /// Whether anything has the name, be it a symbolic link to nowhere.
    package static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
        let folder = String(path[..<slash])
        return (folder.isEmpty ? "/" : folder, String(path[path.utf8.index(after: slash)...]))
    }

    private static func makeScratch(_ folder: String, _ name: String) throws(Failure) -> (CInt, String) {
        // A name that is taken, by an earlier process or a hostile one, is passed over and never opened.
        for _ in 0..<8 {
            let path = "\(folder)/.\(name.prefix(64)).\(String(UInt64.random(in: .min ... .max), radix: 36))"
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            if descriptor >= 0 { return (descriptor, path) }
            guard errno == EEXIST else { throw failure("make a file in \(folder)") }
        }
        throw .system("cannot make a file in \(folder): every name is taken")
    }

    private static func fill(_ descriptor: CInt, _ text: String) throws(Failure) {
        var bytes = Array(text.utf8)[...]
        // Whatever the umask is.
        guard fchmod(descriptor, 0o600) == 0 else { throw failure("set the mode of the file") }
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("write the file") }
            bytes = bytes.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw failure("write the file to the disk") }
    }

    private static func place(_ scratch: String, at path: String, replacing: Bool) throws(Failure) {
        if !replacing {
            // Of rename(2) and link(2) only this one refuses a name that is taken.
            if link(scratch, path) == 0 {
                unlink(scratch)
                return
            }
            if errno == EEXIST { throw .exists }
            // A file system without hard links; all that can be done there is to look first.
            if exists(path) { throw .exists }
        }
        guard rename(scratch, path) == 0 else { throw failure("name the file \(path)") }
    }

    /// So that the new name survives a power cut too; where a folder cannot be synchronised, nothing is lost but that.
    private static func synchronize(_ folder: String) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func failure(_ what: String) -> Failure {
        .system("cannot \(what): \(String(cString: strerror(errno)))")
    }
}
