import SSCommon
import SSNetwork
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Files that hold keys")
struct PrivateFileTests {
    /// A folder of its own, gone afterwards.
    private func inFolder(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/ss-private-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        let folder = String(cString: made)
        defer {
            for name in names(folder) { unlink("\(folder)/\(name)") }
            for sub in ["/a/b", "/a"] { for name in names(folder + sub) { unlink("\(folder)\(sub)/\(name)") } }
            for sub in ["/a/b", "/a", ""] { rmdir(folder + sub) }
        }
        try body(folder)
    }

    private func names(_ folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                // POSIX: d_name ends in a zero byte.
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private func text(_ path: String) throws -> String {
        String(decoding: try SmallFile(path, limit: 1 << 20).bytes, as: UTF8.self)
    }

    @Test("A file is its owner's alone whatever the umask is, and nothing else is left")
    func mode() throws {
        try inFolder { folder in
            for mask in [0o000, 0o077, 0o777] as [mode_t] {
                let before = umask(mask)
                defer { umask(before) }
                try PrivateFile.save("secret \(mask)", to: "\(folder)/key", replacing: true)
                #expect(try SmallFile("\(folder)/key", limit: 100).mode == 0o600)
                #expect(try text("\(folder)/key") == "secret \(mask)")
            }
            #expect(names(folder) == ["key"])
        }
    }

    @Test("What is there stays unless it is to be replaced")
    func keeps() throws {
        try inFolder { folder in
            let path = "\(folder)/key"
            try PrivateFile.save("first", to: path, replacing: false)
            #expect(throws: PrivateFile.Failure.exists) { try PrivateFile.save("second", to: path, replacing: false) }
            #expect(try text(path) == "first")
            try PrivateFile.save("third", to: path, replacing: true)
            #expect(try text(path) == "third")
            // Also a link to nowhere is something.
            symlink("/nonexistent/x", "\(folder)/link")
            #expect(throws: PrivateFile.Failure.exists) {
                try PrivateFile.save("x", to: "\(folder)/link", replacing: false)
            }
            #expect(names(folder) == ["key", "link"])
        }
    }

    @Test("Missing folders are made, and are their owner's alone")
    func folders() throws {
        try inFolder { folder in
            try PrivateFile.save("x", to: "\(folder)/a/b/key", replacing: false)
            for sub in ["/a", "/a/b"] {
                var status = stat()
                #expect(stat(folder + sub, &status) == 0 && status.st_mode & 0o777 == 0o700)
            }
        }
    }

    @Test("A place that cannot be is said, and nothing is left behind", arguments: ["", "/", "/..", "/key/x"])
    func impossible(place: String) throws {
        try inFolder { folder in
            try PrivateFile.save("x", to: "\(folder)/key", replacing: false)
            #expect(throws: PrivateFile.Failure.self) {
                try PrivateFile.save("secret", to: place.isEmpty ? folder : folder + place, replacing: true)
            }
            #expect(names(folder) == ["key"])
        }
    }
}

@Suite("Looking for a port")
struct PortProbeTests {
    private let loopback = IPAddress.v4(IPv4Address(127, 0, 0, 1))

    private func bound(_ type: CInt, listens: Bool) throws -> (descriptor: CInt, port: UInt16) {
        let descriptor = socket(AF_INET, type, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                try #require(bind(descriptor, raw, size) == 0)
                if listens { try #require(listen(descriptor, 1) == 0) }
                var length = size
                try #require(getsockname(descriptor, raw, &length) == 0)
            }
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    @Test("A port that is listened on is taken for that transport, and free afterwards")
    func taken() throws {
        #if canImport(Glibc)
            let types = [(CInt(SOCK_STREAM.rawValue), PortProbe.Transport.tcp), (CInt(SOCK_DGRAM.rawValue), .udp)]
        #else
            let types = [(SOCK_STREAM, PortProbe.Transport.tcp), (SOCK_DGRAM, .udp)]
        #endif
        for (type, transport) in types {
            let other: PortProbe.Transport = transport == .tcp ? .udp : .tcp
            var (descriptor, port) = try bound(type, listens: transport == .tcp)
            // Somebody else may have the same number for the other transport.
            for _ in 0..<20 where PortProbe.obstacle(loopback, port, [other]) != nil {
                close(descriptor)
                (descriptor, port) = try bound(type, listens: transport == .tcp)
            }
            let obstacle = try #require(PortProbe.obstacle(loopback, port))
            #expect(obstacle.isTaken && obstacle.transport == transport)
            #expect(PortProbe.obstacle(loopback, port, [other]) == nil)
            // "::" would take IPv4 in too.
            #expect(PortProbe.obstacle(.v6(IPv6Address(high: 0, low: 0)), port)?.isTaken != false)
            close(descriptor)
            #expect(PortProbe.obstacle(loopback, port) == nil)
        }
    }

    @Test("A free port is found in its range, and an address of another machine is none to listen on")
    func free() throws {
        let port = try #require(PortProbe.freePort(at: loopback, in: 20_000...30_000))
        #expect((20_000...30_000).contains(port))
        #expect(PortProbe.obstacle(.v4(IPv4Address(198, 51, 100, 1)), 0) != nil)
    }

    @Test("The address outwards is one of this machine's own")
    func outward() {
        for address in OutwardAddress.current() { #expect(OwnAddresses.current().contains(address), "\(address)") }
    }
}
