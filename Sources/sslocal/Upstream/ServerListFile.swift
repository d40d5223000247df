// A list of servers in the state directory, as a SIP008 document: one that was swapped in while the program ran, or that was
// published. Whole or not there at all, whenever the program or the machine stops.
internal import SSCommon
internal import SSNetwork

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

struct ServerListFile: Sendable {
    /// One that a person handed over, and one that was published.
    enum Kind: String {
        case swapped = "servers.json"
        case online = "online-servers.json"
    }

    let path: String
    private let directory: String
    private let name: String

    init(_ kind: Kind, in directory: String) {
        self.directory = directory
        name = kind.rawValue
        path = "\(directory)/\(name)"
    }

    var exists: Bool { PrivateFile.exists(path) }

    func save(_ servers: [ServerLink]) throws(PrivateFile.Failure) {
        try PrivateFile.save(SIP008Document(servers).text, to: path, replacing: true)
    }

    /// The servers and what is wrong with the rest.
    func load() throws(SmallFile.Failure) -> SIP008Document {
        SIP008Document(try SmallFile(path, limit: SIP008Document.sizeLimit).bytes, path: path)
    }

    /// True if it is not there afterwards.
    func remove() -> Bool { unlink(path) == 0 || errno == ENOENT }

    /// A program that was killed while it wrote has left a file with keys in it; nobody would ever look at it again.
    func clearLeftovers() {
        guard let folder = opendir(directory) else { return }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix(".\(self.name).") { names.append(name) }
        }
        for name in names { unlink("\(directory)/\(name)") }
    }
}
