// Several servers (docs/servers.md): a dead one is left within seconds, and the application notices nothing.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct FailoverTests {
        @Test(
            "A server that is killed is left at once; streams through the other one go on unbroken; it is used again later"
        )
        func killed() throws {
            try onStage { stage in
                let group = try ServerGroup(stage)
                let origin = try stage.httpOrigin()
                let url = origin.url("/hello", host: "localhost")
                // A long stream through the second one, and then both in the list, the first of them in use.
                #expect(try group.use(group.link(1)).exit == .status(0))
                let download = try stage.startLongDownload(group, origin)
                #expect(try group.use(group.link(0)).exit == .status(0))
                #expect(try group.use(group.link(0) + "\n" + group.link(1)).exit == .status(0))
                try group.useFirst(url)
                group.kill(0)
                for _ in 0..<3 {
                    let result = try group.fetch(url)
                    #expect(result.status == 0, "\(result.errors)")
                    #expect(result.output == "hello\n")
                }
                #expect(try group.status().portInUse == Int(group.ports[1]))
                #expect(try LongDownload.isWhole(download))
                // The first is back, and the second goes.
                try group.startServer(0)
                group.kill(1)
                let result = try group.fetch(url)
                #expect(result.status == 0, "\(result.errors)")
                #expect(try group.status().portInUse == Int(group.ports[0]))
            }
        }

        @Test("A first server whose address swallows every packet costs a second, once")
        func blackhole() throws {
            try onStage { stage in
                let hole = try BlackHole(stage)
                let group = try ServerGroup(stage, settings: [:], firstPort: hole.port)
                let origin = try stage.httpOrigin()
                let url = origin.url("/hello", host: "localhost")
                let first = try group.fetch(url, seconds: 3)
                #expect(first.status == 0, "\(first.errors)")
                #expect(try group.status().portInUse == Int(group.ports[1]))
                let second = try group.fetch(url, seconds: 3)
                #expect(second.status == 0, "\(second.errors)")
                withExtendedLifetime(hole) {}
            }
        }

        @Test("A server that takes connections and then says nothing is left after a few tries")
        func frozen() throws {
            try onStage { stage in
                let group = try ServerGroup(stage)
                let origin = try stage.httpOrigin()
                let url = origin.url("/hello", host: "localhost")
                try group.useFirst(url)
                group.servers[0]?.signal(SIGSTOP)
                defer { group.servers[0]?.signal(SIGCONT) }
                var tries = 0
                while try group.fetch(url, seconds: 3).status != 0 {
                    tries += 1
                    guard tries < 8 else { break }
                }
                #expect((1..<8).contains(tries))
                #expect(try group.status().portInUse == Int(group.ports[1]))
            }
        }

        @Test("A check through the tunnel finds that a server is back, and status shows all of it")
        func checked() throws {
            try onStage { stage in
                let group = try ServerGroup(stage, running: [1])
                let origin = try stage.httpOrigin()
                let url = origin.url("/hello", host: "localhost")
                #expect(try group.fetch(url).status == 0)
                #expect(try group.fetch(url).status == 0)
                #expect(try group.status(becomes: { $0.server(group.ports[0])?["state"] as? String == "down" }))
                try group.startServer(0)
                // It is tried again within seconds, through a target that was just used.
                #expect(
                    try group.status(becomes: { $0.server(group.ports[0])?["state"] as? String == "ok" }, seconds: 40))
                #expect(origin.requests.contains { $0.method == "HEAD" && $0.path == "/" })
                let status = try group.status()
                #expect(status.exit == .status(0) && status.works && status.list == nil)
                let row = try #require(status.server(group.ports[1]))
                #expect(row["state"] as? String == "ok" && row["in_use"] as? Bool == true)
                #expect(row["answer_ms"] is NSNumber && row["last_answer_seconds_ago"] is NSNumber)
                let text = try group.statusText()
                #expect(text.exit == .status(0))
                let lines = text.output.split(separator: "\n")
                #expect(lines.count == 4)
                #expect(lines[3].hasPrefix("*  vps \(group.ports[1]) (127.0.0.1:\(group.ports[1]))  ok "))
            }
        }

        @Test("Status says with its exit that nothing works, or that nothing runs")
        func nothing() throws {
            try onStage { stage in
                let group = try ServerGroup(stage, running: [])
                for _ in 0..<3 { #expect(try group.fetch("http://localhost:1/").status != 0) }
                let status = try group.statusText()
                #expect(status.exit == .status(1))
                #expect(status.output.contains(" down "))
                group.client.signal(SIGTERM)
                _ = group.client.wait(seconds: 10)
                let gone = try group.statusText()
                #expect(gone.exit == .status(1) && gone.errors.contains("sslocal does not run here"))
            }
        }

        @Test("Datagrams move to the other server too")
        func datagrams() throws {
            try onStage { stage in
                let target = try stage.datagramOrigin()
                let port = try Ports.free()
                let group = try ServerGroup(
                    stage,
                    settings: [
                        "locals": [
                            [
                                "protocol": "tunnel", "local_address": "127.0.0.1", "local_port": port,
                                "forward_address": target.endpoint.host, "forward_port": target.endpoint.port,
                            ] as [String: Any]
                        ]
                    ])
                let socket = try Socket.datagram(Endpoint("127.0.0.1", try Ports.free()))
                #expect(try Self.echoes(socket, Endpoint("127.0.0.1", port)))
                group.kill(0)
                // Datagrams alone show nothing of it so soon; streams do.
                for _ in 0..<3 { _ = try group.fetch("http://localhost:1/") }
                #expect(try group.status(becomes: { $0.server(group.ports[0])?["state"] as? String == "down" }))
                #expect(try Self.echoes(socket, Endpoint("127.0.0.1", port)))
            }
        }

        private static func echoes(_ socket: Socket, _ tunnel: Endpoint) throws -> Bool {
            for _ in 0..<20 {
                try socket.send(Array("ping".utf8), to: tunnel)
                if let answer = socket.receiveDatagram(seconds: 0.5), answer.bytes == Array("ping".utf8) {
                    return true
                }
            }
            return false
        }

        @Test("The command for unreachable servers is run, once, and is told no key")
        func onUnreachable() throws {
            try onStage { stage in
                let log = stage.workspace.unusedPath("called")
                let script = try stage.workspace.file(
                    "hook.sh",
                    "#!/bin/sh\necho \"$1/$SS_SERVER/$SS_SERVER_NAME/$SS_SERVERS\" >> \(log)\nenv >> \(log)\n")
                chmod(script, 0o700)
                let group = try ServerGroup(stage, running: [], settings: ["on_unreachable": [script, "a b"]])
                let url = "http://localhost:1/"
                let deadline = Deadline(30)
                while !FileManager.default.fileExists(atPath: log), !deadline.hasPassed {
                    _ = try group.fetch(url)
                    pause(0.3)
                }
                // Further failures do not bring it again so soon.
                let end = Deadline(18)
                while !end.hasPassed {
                    _ = try group.fetch(url)
                    pause(0.3)
                }
                let called = try String(contentsOfFile: log, encoding: .utf8)
                let places = group.ports.map { "127.0.0.1:\($0)" }
                #expect(
                    places.indices.contains {
                        called.hasPrefix("a b/\(places[$0])/vps \(group.ports[$0])/\(places.joined(separator: " "))\n")
                    }, "\(called)")
                #expect(called.components(separatedBy: "a b/").count == 2)
                #expect(!called.contains(ServerGroup.key))
                #expect(group.client.waitForLine { $0.contains("the command ended well") })
            }
        }

        @Test("A command that cannot be run is found before anything starts")
        func badCommand() throws {
            try onStage { stage in
                for (command, word) in [
                    (["no-such-program-here"], "$PATH"), (["/etc/passwd"], "executable"),
                    (["./relative"], "whole path"),
                    ([], "names no program"),
                ] as [([String], String)] {
                    let file = try stage.workspace.config(
                        "c.json",
                        [
                            "server": "127.0.0.1", "server_port": 1, "method": Method.blake3AES256.rawValue,
                            "password": ServerGroup.key, "on_unreachable": command,
                        ])
                    let finished = try stage.run(try Tool.sslocal.path(), ["check", "-c", file])
                    #expect(finished.exit == .status(2))
                    #expect((finished.output + finished.errors).contains(word))
                }
            }
        }
    }
}

extension ServerGroup {
    /// Makes the first server the one in use, with streams that prove it.
    fileprivate func useFirst(_ url: String) throws {
        let result = try fetch(url)
        guard result.status == 0, try status(becomes: { $0.portInUse == Int(self.ports[0]) }) else {
            throw HarnessError("the first server is not used: \(result.errors)")
        }
    }
}

/// An address that swallows connections: a listener nobody accepts at, whose queue is full.
private final class BlackHole {
    let port: UInt16
    private let listener: Socket
    private var fillers: [Int32] = []

    init(_ stage: Stage) throws {
        port = try Ports.free()
        listener = try Socket.listening(Endpoint("127.0.0.1", port), backlog: 0)
        for _ in 0..<64 {
            let descriptor = socket(
                AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
            fillers.append(descriptor)
            _ = Endpoint("127.0.0.1", port).withSocketAddress { connect(descriptor, $0, $1) }
            var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            // The first that does not come up shows that the queue is full.
            if poll(&ready, 1, 300) == 0 { return }
        }
        throw HarnessError("the queue never fills")
    }

    deinit { for descriptor in fillers { close(descriptor) } }
}
