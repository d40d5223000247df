// Objects larger than the memory: they grow on disk, and all who ask meanwhile read along, each at their own pace.
import Foundation
import Synchronization
import Testing

extension EndToEnd {
    @Suite struct CacheLargeObjectTests {
        /// How the origin says how long the body is.
        enum Coding: String, CaseIterable, Sendable {
            case length, chunked
        }

        private static let size = 48 << 20
        private static let digest = Pattern.digest(size)
        private static let keys = ["memory": "8MiB", "disk": "512MiB", "max_object": "256MiB"]
        private static let fields = ["Cache-Control: max-age=600", "ETag: \"1\""]

        /// All of it; the second half comes when the gate is open.
        private static func answer(_ coding: Coding, _ gate: Gate? = nil) -> ScriptedAnswer {
            ScriptedAnswer(fields, Pattern.bytes(size)).with {
                $0.framing = coding == .length ? .length : .chunked(100_000)
                $0.gate = gate
            }
        }

        /// Half of it, in two halves, and then nothing.
        private static func half(_ coding: Coding, _ gate: Gate, _ end: ScriptedAnswer.End) -> ScriptedAnswer {
            ScriptedAnswer(fields, Pattern.bytes(size / 2)).with {
                $0.framing = coding == .length ? .claims(size) : .openChunks(100_000)
                $0.gate = gate
                $0.end = end
            }
        }

        private static func begun(_ stage: Stage) throws -> CacheServer {
            let server = try CacheServer(stage, keys: keys)
            server.waitForDisk()
            return server
        }

        /// Files that are not whole yet.
        private static func growing(_ directory: String) -> [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/new")) ?? []
        }

        /// Asks for all of it, which must come from what is kept.
        private static func expectHit(
            _ server: CacheServer, _ context: Comment, at location: SourceLocation = #_sourceLocation
        ) throws {
            let reading = try BodyReader(server.pair, "/a").finish()
            let status = reading.head.cacheStatus
            #expect(status.hasPrefix("ssserver; hit"), context, sourceLocation: location)
            #expect(reading.isWhole && reading.digest == digest, context, sourceLocation: location)
        }

        /// Three that are quick and three that take `slow` bytes a second, all of whom count as `begun` once they have read a little.
        private static func six(_ pair: CachePair, _ begun: Tally, slow: Double) -> [Reading?] {
            atOnce(6, seconds: 60) { index in
                let reader = try BodyReader(pair, "/a")
                try reader.read(to: 100_000)
                begun.add()
                return try reader.finish(rate: index < 3 ? .infinity : slow, seconds: 50)
            }
        }

        @Test("twenty of all speeds share one request, and it is kept for good", arguments: Coding.allCases)
        func shared(_ coding: Coding) throws {
            try onStage { stage in
                let server = try Self.begun(stage)
                let pair = server.pair
                let gate = Gate()
                pair.origin.on("/a", Self.answer(coding, gate))
                let begun = Tally()
                startThread {
                    _ = eventually(12) { begun.value == 20 }
                    gate.open()
                }
                let quick = Tally()
                let (readings, seconds) = timed {
                    atOnce(20, seconds: 100) { index in
                        let reader = try BodyReader(pair, "/a")
                        try reader.read(to: 100_000)
                        begun.add()
                        switch index % 4 {
                        // Some go on only when the quick ones have everything.
                        case 0: _ = eventually(60) { quick.value == 10 }
                        case 1: return try reader.finish(rate: 6e6, seconds: 90)
                        default: break
                        }
                        let reading = try reader.finish(seconds: 90)
                        if index % 4 > 1 { quick.add() }
                        return reading
                    }
                }
                Figures.show("20 readers of \(Self.size >> 20) MiB, \(coding)", "\(seconds.rounded2) s")
                #expect(begun.value == 20, "all read before the origin has finished")
                #expect(quick.value == 10, "nobody waits for the slow ones")
                for (index, reading) in readings.enumerated() {
                    let reading = try #require(reading, "\(index) got nothing")
                    #expect(reading.isWhole && reading.digest == Self.digest, "\(index): \(reading.count)")
                }
                #expect(pair.origin.count("/a") == 1)

                try #require(server.waitForFiles(1), "\(server.files)")
                try Self.expectHit(server, "afterwards")
                for signal in [SIGTERM, SIGKILL] {
                    try server.restart(signal)
                    try Self.expectHit(server, "after \(signal)")
                    #expect(Self.growing(server.directory).isEmpty)
                }
                #expect(pair.origin.count("/a") == 1)
            }
        }

        @Test("parts of it come from disk", arguments: Coding.allCases)
        func parts(_ coding: Coding) throws {
            try onStage { stage in
                let server = try Self.begun(stage)
                let pair = server.pair
                pair.origin.on("/a", Self.answer(coding))
                let reading = try BodyReader(pair, "/a").finish()
                #expect(reading.isWhole && reading.digest == Self.digest)
                try #require(server.waitForFiles(1), "\(server.files)")
                let body = Pattern.bytes(Self.size)
                for isAnew in [false, true] {
                    if isAnew { try server.restart() }
                    for (range, part) in [
                        ("0-99", 0..<100), ("65000-66000", 65_000..<66_001),
                        ("40000000-40999999", 40_000_000..<41_000_000),
                        ("-1000", Self.size - 1000..<Self.size),
                        ("\(Self.size - 70_000)-", Self.size - 70_000..<Self.size),
                    ] {
                        for fields in [[], ["If-Range: \"1\""]] {
                            let answer = try pair.ask("/a", ["Range: bytes=\(range)"] + fields)
                            #expect(answer.status == 206 && answer.isHit, "\(range): \(answer.cacheStatus)")
                            let place = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(Self.size)"
                            #expect(answer["Content-Range"] == place, "\(range)")
                            let isRight = answer.body == Array(body[part])
                            #expect(isRight, "\(range)")
                        }
                    }
                    #expect(try pair.ask("/a", ["Range: bytes=\(Self.size)-"]).status == 416)
                    #expect(try pair.ask("/a", ["If-None-Match: \"1\""]).status == 304)
                    let head = try pair.ask("/a", method: "HEAD")
                    #expect(head.isHit && head["Content-Length"] == "\(Self.size)")
                }
                #expect(pair.origin.count("/a") == 1)
            }
        }

        @Test(
            "what breaks off is broken for all, and nothing of it stays", arguments: Coding.allCases,
            [ScriptedAnswer.End.closes, .resets])
        func broken(_ coding: Coding, _ end: ScriptedAnswer.End) throws {
            try onStage { stage in
                let server = try Self.begun(stage)
                let (pair, directory) = (server.pair, server.directory)
                let gate = Gate()
                pair.origin.on("/a") { _, count in
                    count == 1 ? Self.half(coding, gate, end) : Self.answer(coding)
                }
                let begun = Tally()
                let wasGrowing = Counter()
                startThread {
                    _ = eventually(10) { begun.value == 6 && !Self.growing(directory).isEmpty }
                    wasGrowing.set(Self.growing(directory).count)
                    gate.open()
                }
                let readings = Self.six(pair, begun, slow: 10e6)
                for (index, reading) in readings.enumerated() {
                    let reading = try #require(reading, "\(index) got nothing")
                    #expect(!reading.isWhole && reading.count < Self.size, "\(index): \(reading.count)")
                    #expect(reading.digest == Pattern.digest(reading.count), "\(index): foreign bytes")
                }
                #expect(begun.value == 6 && pair.origin.count("/a") == 1, "all read the same")
                #expect(wasGrowing.value == 1, "it was on disk already")
                #expect(eventually(5) { Self.growing(server.directory).isEmpty }, "\(Self.growing(server.directory))")
                #expect(server.files.isEmpty, "\(server.files)")
                let next = try BodyReader(pair, "/a").finish()
                #expect(!next.head.isHit && next.isWhole && next.digest == Self.digest, "\(next.head.cacheStatus)")
                try #require(server.waitForFiles(1), "\(server.files)")
                try Self.expectHit(server, "afterwards")
                #expect(pair.origin.count("/a") == 2)
            }
        }

        @Test("a server killed in the middle of it serves nothing torn", arguments: Coding.allCases)
        func killed(_ coding: Coding) throws {
            try onStage { stage in
                let server = try Self.begun(stage)
                let pair = server.pair
                let gate = Gate()
                pair.origin.on("/a") { _, count in Self.answer(coding, count == 1 ? gate : nil) }
                let begun = Tally()
                let ended = Tally()
                let broken = Tally()
                for _ in 0..<6 {
                    startThread {
                        defer { ended.add() }
                        guard let reader = try? BodyReader(pair, "/a") else { return }
                        // More than the memory holds.
                        guard (try? reader.read(to: 12 << 20)) != nil else { return }
                        begun.add()
                        guard let reading = try? reader.finish() else { return }
                        if !reading.isWhole, reading.digest == Pattern.digest(reading.count) { broken.add() }
                    }
                }
                #expect(eventually(10) { begun.value == 6 }, "\(begun.value) of 6 read while it grows")
                #expect(eventually(5) { !Self.growing(server.directory).isEmpty }, "it is on disk already")
                try server.restart(SIGKILL)
                gate.open()
                #expect(eventually(20) { ended.value == 6 } && broken.value == 6, "all see that it broke off")
                #expect(eventually(5) { Self.growing(server.directory).isEmpty }, "\(Self.growing(server.directory))")
                #expect(server.files.isEmpty, "\(server.files)")
                let next = try BodyReader(pair, "/a").finish()
                #expect(!next.head.isHit && next.isWhole && next.digest == Self.digest, "\(next.head.cacheStatus)")
                try #require(server.waitForFiles(1), "\(server.files)")
                try Self.expectHit(server, "afterwards")
                #expect(pair.origin.count("/a") == 2)
            }
        }

        @Test func `killed again and again while large ones grow, it serves nothing torn`() throws {
            try onStage { stage in
                let server = try Self.begun(stage)
                let pair = server.pair
                let bodies = (0..<5).map { Made.body("/\($0)", (6 << 20) + $0 * 1_000_003) }
                for (index, body) in bodies.enumerated() {
                    let framing: ScriptedAnswer.Framing = index % 2 == 0 ? .length : .chunked(100_000)
                    pair.origin.on("/\(index)", ScriptedAnswer(Self.fields, body).with { $0.framing = framing })
                }
                var (hits, cuts) = (0, 0)
                for round in 0..<20 {
                    let process = server.process
                    startThread {
                        pause(Double.random(in: 0...0.3))
                        process.signal(SIGKILL)
                    }
                    let seen = atOnce(5) { index in
                        let one = (round + index) % 5
                        return try Self.look(pair, "/\(one)", bodies[one])
                    }
                    for one in seen.compactMap({ $0 }) {
                        #expect(one.isRight, "round \(round)")
                        cuts += one.isWhole ? 0 : 1
                    }
                    try server.restart(SIGKILL)
                    let one = try Self.look(pair, "/\(round % 5)", bodies[round % 5])
                    #expect(one.isRight && one.isWhole, "round \(round), afterwards")
                    hits += one.isHit ? 1 : 0
                    if round % 4 == 3 { try server.must(["purge", "*"]) }
                }
                Figures.show("kills while large ones grow", "\(hits) kept, \(cuts) cut")
                #expect(hits > 0 && cuts > 0, "\(hits) kept, \(cuts) cut")
                #expect(eventually(5) { Self.growing(server.directory).isEmpty }, "\(Self.growing(server.directory))")
            }
        }

        /// Reads as far as it goes; whether that is what the origin says.
        private static func look(
            _ pair: CachePair, _ path: String, _ body: [UInt8]
        ) throws -> (isRight: Bool, isWhole: Bool, isHit: Bool) {
            let reading = try BodyReader(pair, path).finish()
            let digest = Digest()
            digest.add(Array(body.prefix(reading.count)))
            let isRight = reading.digest == digest.hex() && reading.isWhole == (reading.count == body.count)
            return (isRight, reading.isWhole, reading.head.isHit)
        }

        @Test("what is changed or purged while it grows is not kept", arguments: ["POST", "purge"])
        func forgotten(_ how: String) throws {
            try onStage { stage in
                let server = try Self.begun(stage)
                let pair = server.pair
                let gate = Gate()
                pair.origin.on("/a") { request, count in
                    if request.method == "POST" { return ScriptedAnswer([], "ok") }
                    return count == 1 ? Self.answer(.length, gate) : ScriptedAnswer(Self.fields, "new")
                }
                let reader = try BodyReader(pair, "/a")
                try reader.read(to: 12 << 20)
                #expect(eventually(5) { !Self.growing(server.directory).isEmpty }, "it is on disk already")
                if how == "POST" {
                    try pair.ask("/a", method: "POST", body: "x")
                } else {
                    try server.must(["purge", pair.url("/a")])
                }
                gate.open()
                let reading = try reader.finish()
                #expect(reading.isWhole && reading.digest == Self.digest, "who reads it gets all of it")
                for _ in 1...2 { #expect(try pair.ask("/a").text == "new") }
                #expect(eventually(5) { Self.growing(server.directory).isEmpty }, "\(Self.growing(server.directory))")
                try server.restart(SIGKILL)
                #expect(try pair.ask("/a").text == "new")
            }
        }

        /// Why there is no room on disk for all of it.
        enum Shortage: String, CaseIterable, Sendable {
            /// The owner gave less.
            case setting
            /// The file system is full.
            case fileSystem
        }

        @Test(
            "where the disk has no room for it all get it, and nothing stays", arguments: Coding.allCases,
            Shortage.allCases)
        func noRoom(_ coding: Coding, _ shortage: Shortage) throws {
            try onStage { stage in
                let place =
                    shortage == .setting
                    ? stage.workspace.unusedPath("place") : try CacheDiskFailureTests.mount(stage, "size=20m")
                let server = try CacheServer(
                    stage,
                    keys: Self.keys.merging(["disk": shortage == .setting ? "20MiB" : "512MiB", "directory": place]) {
                        $1
                    })
                server.waitForDisk()
                let pair = server.pair
                let gate = Gate()
                pair.origin.on("/a") { _, count in Self.answer(coding, count == 1 ? gate : nil) }
                let begun = Tally()
                startThread {
                    _ = eventually(10) { begun.value == 6 }
                    gate.open()
                }
                let readings = Self.six(pair, begun, slow: 20e6)
                for (index, reading) in readings.enumerated() {
                    let reading = try #require(reading, "\(index) got nothing")
                    #expect(reading.isWhole, "\(index): \(reading.count)")
                    #expect(reading.digest == Pattern.digest(reading.count), "\(index): foreign bytes")
                }
                #expect(eventually(5) { Self.growing(place).isEmpty }, "\(Self.growing(place))")
                #expect(CacheServer.files(place).isEmpty)
                let next = try BodyReader(pair, "/a").finish()
                #expect(!next.head.isHit && next.isWhole && next.digest == Self.digest, "\(next.head.cacheStatus)")
            }
        }

        @Test("who leaves takes nothing away from those who stay", arguments: [1, 3, 4])
        func leaving(_ count: Int) throws {
            try onStage { stage in
                let server = try Self.begun(stage)
                let pair = server.pair
                let gate = Gate()
                pair.origin.on("/a") { _, count in Self.answer(.length, count == 1 ? gate : nil) }
                var readers: [BodyReader] = []
                for _ in 0..<4 {
                    readers.append(try BodyReader(pair, "/a"))
                    try readers.last?.read(to: 12 << 20)
                }
                for reader in readers[..<count] { reader.leave() }
                gate.open()
                for reader in readers[count...] {
                    let reading = try reader.finish()
                    #expect(reading.isWhole && reading.digest == Self.digest, "\(reading.count)")
                }
                // Where all have left, what is missing may be fetched all the same, or not.
                if count < 4 { try #require(server.waitForFiles(1), "\(server.files)") }
                let next = try BodyReader(pair, "/a").finish()
                #expect(next.isWhole && next.digest == Self.digest, "\(next.head.cacheStatus)")
                #expect(pair.origin.count("/a") <= (count < 4 ? 1 : 2))
                #expect(eventually(5) { Self.growing(server.directory).isEmpty })
            }
        }

        @Test func `a thousand slow readers of one object that comes quickly take little memory`() throws {
            try onStage { stage in
                let (size, start, count) = (200 << 20, 1000, 1000)
                let gate = Gate()
                let sent = Counter()
                let origin = try stage.origin { connection in
                    guard try HTTPRequestReader(connection).next() != nil else { return }
                    try connection.send(ScriptedAnswer(Self.fields).with { $0.framing = .claims(size) }.head)
                    // They must have asked, and the kernel must hold little for each.
                    try connection.send(Pattern.block.prefix(start))
                    gate.wait(seconds: 25)
                    var done = start
                    while done < size {
                        let place = done % Pattern.period
                        let part = Pattern.block[place..<min(Pattern.period, place + size - done)].prefix(1 << 18)
                        try connection.send(part, seconds: 30)
                        done += part.count
                        sent.set(done)
                    }
                    connection.finish()
                }
                let running = try Self.runNarrow(stage, origin.endpoint.port)
                let server = try #require(running.server)
                #expect(server.waitForLine { $0.contains("the cache on disk is ready") })
                let idle = server.residentBytes
                let (crowd, seconds) = try timed { try SlowReaders(count, via: running.front, at: origin.endpoint) }
                let joined = server.residentBytes
                gate.open()
                var most = joined
                var rest = 32
                let limit = Deadline(20)
                // A few KB a second each, until all has come and for some seconds more.
                while rest > 0, !limit.hasPassed {
                    crowd.read(1024)
                    pause(0.25)
                    most = max(most, server.residentBytes)
                    if sent.value == size { rest -= 1 }
                }
                Figures.show(
                    "\(count) slow readers",
                    "server \(idle >> 20) MiB, \(joined >> 20) MiB when all had joined after \(seconds.rounded2) s, at most "
                        + "\(most >> 20) MiB; \(sent.value >> 20) MiB came, each has \(crowd.least >> 10) KiB or more")
                #expect(sent.value == size, "the origin waits for nobody")
                #expect(origin.accepted == 1, "one request for all")
                #expect(most - idle < 150 << 20, "\((most - idle) >> 20) MiB")
                #expect(crowd.faults.isEmpty && crowd.least > 4 << 10, "\(crowd.faults.prefix(5))")
                crowd.leave()
                #expect(eventually(30) { server.descriptorCount < 100 }, "\(server.descriptorCount) descriptors")

                let tunnel = try CachePair.tunnel(via: running.front, to: origin.endpoint)
                try tunnel.send(
                    "GET /a HTTP/1.1\r\nHost: localhost:\(origin.endpoint.port)\r\nRange: bytes=-1000\r\n\r\n")
                let part = try tunnel.answer(seconds: 20)
                #expect(part.status == 206 && part.isHit, "\(part.status) \(part.cacheStatus)")
                let isRight = part.body == Array(Pattern.bytes(size)[(size - 1000)...])
                #expect(isRight)
            }
        }

        /// A pair with a narrow way between client and server.
        private static func runNarrow(_ stage: Stage, _ port: UInt16) throws -> RunningPair {
            var options = PairOptions()
            let (way, server) = (try Ports.free(), try Ports.free())
            options.serverPort = server
            options.serverPortSeenByClient = way
            options.serverKeys = {
                ["cache": ["ports": [Int(port)]].merging(keys as [String: Any]) { $1 }]
            }
            try stage.narrowWay(from: way, to: server)
            return try stage.run(Pair(client: .ours, server: .ours), options)
        }
    }
}
