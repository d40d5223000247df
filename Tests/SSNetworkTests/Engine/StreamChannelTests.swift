#if os(Linux)
    import Glibc
    import NIOConcurrencyHelpers
    import NIOCore
    import SSCommon
    import Testing

    @testable import SSNetwork

    @Suite("A TCP channel of our engine", .serialized)
    struct StreamChannelTests {
        private static func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) } }

        @Test("What is said arrives, and the end after it")
        func reading() async throws {
            let rig = try await EngineRig()
            let bytes = Self.pattern(300_000)
            rig.peer.write(bytes)
            rig.peer.endWriting()
            #expect(await rig.log.comes { $0.last == .inputClosed })
            #expect(rig.log.all == [.read(bytes), .inputClosed])
            #expect(rig.channel.isActive)
            try await rig.end()
        }

        @Test("Nothing is read while reading is off, and all of it once it is on")
        func suspended() async throws {
            let rig = try await EngineRig(autoRead: false)
            let bytes = Self.pattern(50_000)
            rig.peer.write(bytes)
            rig.peer.endWriting()
            try await Task.sleep(for: .milliseconds(200))
            #expect(rig.log.all.isEmpty)
            rig.channel.read()
            #expect(await rig.log.comes { !$0.isEmpty })
            try await Task.sleep(for: .milliseconds(100))
            #expect(!rig.log.all.contains(.inputClosed), "one read was asked for")
            try await rig.channel.setOption(.autoRead, value: true).get()
            #expect(await rig.log.comes { $0 == [.read(bytes), .inputClosed] })
            try await rig.end()
        }

        @Test("More than the socket takes leaves whole and in order, promises too, and writability is told")
        func writing() async throws {
            let rig = try await EngineRig(receiveBuffer: 32 * 1024)
            let parts = (0..<200).map { number in [UInt8](repeating: UInt8(number), count: 1 + number * 997) }
            let kept = NIOLockedValueBox<[Int]>([])
            for (number, part) in parts.enumerated() {
                rig.channel.write(ByteBuffer(bytes: part)).whenSuccess { kept.withLockedValue { $0.append(number) } }
            }
            rig.channel.flush()
            #expect(await rig.log.comes { $0.contains(.writable(false)) })
            let all = parts.flatMap { $0 }
            #expect(rig.peer.read(exactly: all.count) == all)
            #expect(await rig.log.comes { $0.last == .writable(true) })
            #expect(kept.withLockedValue { $0 } == Array(0..<200))
            try await rig.end()
        }

        @Test("An end waits for what was written before it; the channel closes when both have ended")
        func endAfterWrites() async throws {
            let rig = try await EngineRig(receiveBuffer: 32 * 1024)
            let bytes = Self.pattern(8_000_000)
            rig.channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
            let ended = rig.channel.eventLoop.makePromise(of: Void.self)
            rig.channel.close(mode: .output, promise: ended)
            await #expect(throws: ChannelError.self) {
                try await rig.channel.writeAndFlush(ByteBuffer(bytes: [1])).get()
            }
            let (received, ending) = rig.peer.readToEnd()
            #expect(received == bytes)
            #expect(ending == .end)
            try await ended.futureResult.get()
            #expect(rig.log.all.contains(.outputClosed))
            #expect(rig.channel.isActive)
            rig.peer.write([7])
            rig.peer.endWriting()
            #expect(await rig.log.comes { $0.last == .inactive })
            #expect(rig.log.bytes == [7])
            try await rig.channel.closeFuture.get()
            try await rig.end()
        }

        @Test("A reset while reading is off loses nothing that came before it")
        func resetWhileSuspended() async throws {
            let rig = try await EngineRig(autoRead: false)
            let bytes = Self.pattern(10_000)
            rig.peer.write(bytes)
            try await Task.sleep(for: .milliseconds(100))
            rig.peer.reset()
            #expect(await rig.log.comes { $0 == [.error(ECONNRESET)] })
            #expect(rig.channel.isActive)
            try await rig.channel.setOption(.autoRead, value: true).get()
            #expect(await rig.log.comes { $0.last == .inactive })
            #expect(rig.log.all == [.error(ECONNRESET), .read(bytes), .inactive])
            try await rig.end()
        }

        @Test("A failed write is told, and what the peer had sent before can still be read")
        func failedWrite() async throws {
            let rig = try await EngineRig(autoRead: false)
            rig.peer.write([1, 2, 3])
            try await Task.sleep(for: .milliseconds(100))
            rig.peer.reset()
            try await Task.sleep(for: .milliseconds(100))
            await #expect(throws: (any Error).self) {
                for _ in 0..<3 { try await rig.channel.writeAndFlush(ByteBuffer(bytes: [9])).get() }
            }
            try await rig.channel.setOption(.autoRead, value: true).get()
            #expect(await rig.log.comes { $0.last == .inactive })
            #expect(rig.log.bytes == [1, 2, 3])
            try await rig.end()
        }

        @Test("A peer that had ended in good order is known to have, also after a failed write")
        func failedWriteAfterEnd() async throws {
            let rig = try await EngineRig(autoRead: false)
            rig.peer.write([1, 2, 3])
            // The end goes out, and a reset for whatever comes back.
            rig.peer.close()
            try await Task.sleep(for: .milliseconds(100))
            await #expect(throws: (any Error).self) {
                for _ in 0..<5 {
                    try await rig.channel.writeAndFlush(ByteBuffer(bytes: [9])).get()
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            try await rig.channel.setOption(.autoRead, value: true).get()
            #expect(await rig.log.comes { $0.last == .inactive })
            let log = rig.log.all.filter { if case .error = $0 { false } else { true } }
            #expect(log == [.read([1, 2, 3]), .inputClosed, .inactive])
            try await rig.end()
        }

        @Test("A handler may close in the middle of a read; what is queued fails and the peer hears of it")
        func closeInRead() async throws {
            let rig = try await EngineRig(closesInRead: true)
            rig.peer.write([1])
            #expect(await rig.log.comes { $0 == [.read([1]), .inactive] })
            #expect(rig.peer.readToEnd() == ([], .end))
            await #expect(throws: (any Error).self) {
                try await rig.channel.writeAndFlush(ByteBuffer(bytes: [1])).get()
            }
            await #expect(throws: (any Error).self) { try await rig.channel.close().get() }
            try await rig.end()
        }

        @Test("Closing fails what is still queued")
        func closeWithQueue() async throws {
            let rig = try await EngineRig(receiveBuffer: 32 * 1024)
            let written = rig.channel.eventLoop.makePromise(of: Void.self)
            rig.channel.writeAndFlush(ByteBuffer(repeating: 1, count: 20_000_000), promise: written)
            try await Task.sleep(for: .milliseconds(100))
            try await rig.channel.close().get()
            await #expect(throws: (any Error).self) { try await written.futureResult.get() }
            #expect(!rig.channel.isActive && !rig.channel.isWritable)
            try await rig.end()
        }

        @Test("An aborted channel ends with a reset")
        func abort() async throws {
            let rig = try await EngineRig()
            try await rig.channel.eventLoop.submit { [channel = rig.channel] in channel.abort() }.get()
            #expect(rig.peer.readToEnd() == ([], .reset))
            try await rig.end()
        }

        @Test("Addresses are those of the socket")
        func addresses() async throws {
            let rig = try await EngineRig()
            #expect(rig.channel.localAddress?.ipAddress == "127.0.0.1")
            #expect(rig.channel.remoteAddress?.ipAddress == "127.0.0.1")
            #expect(rig.channel.peerEndpoint?.port == rig.channel.remoteAddress?.port.map { UInt16($0) })
            try await rig.end()
            #expect(rig.channel.localAddress == nil)
        }

        @Test("A connection that is closed while it is being made fails, and its loop lives on")
        func closedWhileConnecting() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = try #require(group.next() as? EpollLoop)
            // A listening socket whose queue is full answers nobody.
            let (full, port) = Peer.listening(backlog: 0)
            let fillers = (0..<4).map { _ in Peer.connecting(to: port) }
            try await Task.sleep(for: .milliseconds(100))
            let result = loop.flatSubmit {
                StreamChannel.connect(
                    to: Endpoint(.v4(IPv4Address(127, 0, 0, 1)), port), on: loop, timeout: .seconds(20), noDelay: true,
                    keepAlive: nil
                ) { channel in
                    loop.scheduleTask(in: .milliseconds(50)) { channel.close(promise: nil) }
                }
            }
            await #expect(throws: DialError.self) { try await result.get() }
            let timed = loop.flatSubmit {
                StreamChannel.connect(
                    to: Endpoint(.v4(IPv4Address(127, 0, 0, 1)), port), on: loop, timeout: .milliseconds(10),
                    noDelay: true, keepAlive: nil
                ) { _ in }
            }
            await #expect(throws: DialError.timedOut) { try await timed.get() }
            for filler in fillers { filler.close() }
            full.close()
            try await group.shutdownGracefully()
        }
    }
#endif
