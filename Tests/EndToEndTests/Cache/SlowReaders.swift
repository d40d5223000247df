// Many who read the same object a little at a time, on one thread, and look at each byte of it. Their way to the server
// is narrow: on loopback the kernel would else take megabytes for each of them.
import Foundation

final class SlowReaders {
    private struct Reader {
        let socket: Socket
        var isOver = false
        /// Bytes of the body so far.
        var position = 0
    }

    private var readers: [Reader] = []
    /// What none of them should have seen.
    private(set) var faults: [String] = []

    var total: Int { readers.reduce(0) { $0 + $1.position } }
    /// Bytes that the slowest has.
    var least: Int { readers.map(\.position).min() ?? 0 }

    /// Each asks for "/a" and has read the head when this returns.
    init(_ count: Int, via front: Endpoint, at origin: Endpoint) throws {
        let target = Target.name("localhost", origin.port)
        let ask = "GET /a HTTP/1.1\r\nHost: localhost:\(origin.port)\r\n\r\n"
        for _ in 0..<count {
            let socket = try Self.connected(to: front)
            // Nobody waits for an answer before all have asked.
            try socket.send(SOCKSClient.greeting + [5, 1, 0] + target.header + Array(ask.utf8))
            readers.append(Reader(socket: socket))
        }
        for (index, reader) in readers.enumerated() {
            guard try reader.socket.receive(exactly: 2, seconds: 20) == [5, 0] else {
                throw HarnessError("not greeted")
            }
            let code = try SOCKSClient.reply(on: reader.socket, seconds: 20).code
            guard code == 0 else { throw HarnessError("the proxy answered code \(code)") }
            let head = try reader.socket.receive(through: "\r\n\r\n", seconds: 20)
            if !head.hasPrefix("HTTP/1.1 200 ") { faults.append("\(index): \(head)") }
        }
    }

    /// With segments as on Ethernet, and little room.
    private static func connected(to endpoint: Endpoint) throws -> Socket {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = Socket(owning: Foundation.socket(endpoint.family, kind, 0))
        socket.setOption(Int32(IPPROTO_TCP), TCP_MAXSEG, 1400)
        socket.setOption(SOL_SOCKET, SO_RCVBUF, 4 << 10)
        guard endpoint.withSocketAddress({ connect(socket.descriptor, $0, $1) }) == 0 else {
            throw SocketError.system(call: "connect", code: errno)
        }
        return socket
    }

    /// At most `limit` bytes for each that has some waiting.
    func read(_ limit: Int) {
        var room = [UInt8](repeating: 0, count: limit)
        for index in readers.indices where !readers[index].isOver {
            let count = recv(readers[index].socket.descriptor, &room, limit, Int32(MSG_DONTWAIT))
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count > 0 else {
                fail(index, count == 0 ? "closed" : "error \(errno)")
                continue
            }
            if !isPattern(room, count, at: readers[index].position) { fail(index, "foreign bytes") }
            readers[index].position += count
        }
    }

    /// At once: a FIN would wait behind windows that are shut.
    func leave() { for reader in readers { reader.socket.reset() } }

    private func fail(_ index: Int, _ what: String) {
        faults.append("\(index) after \(readers[index].position) bytes: \(what)")
        readers[index].isOver = true
    }

    private func isPattern(_ bytes: [UInt8], _ count: Int, at position: Int) -> Bool {
        let start = position % Pattern.period
        let first = min(count, Pattern.period - start)
        return bytes[..<first] == Pattern.block[start..<(start + first)]
            && bytes[first..<count] == Pattern.block[..<(count - first)]
    }
}

extension Stage {
    /// Leads from one port of loopback to another with hardly a buffer between.
    func narrowWay(from port: UInt16, to other: UInt16) throws {
        let script = """
            import asyncio, socket, struct, sys

            def small(one):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
                for option in (socket.SO_SNDBUF, socket.SO_RCVBUF): one.setsockopt(socket.SOL_SOCKET, option, 4096)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                one.setblocking(False)
                return one

            async def lead(reader, writer):
                while data := await reader.read(8192):
                    writer.write(data)
                    await writer.drain()
                writer.write_eof()

            async def serve(reader, writer):
                far = small(socket.socket())
                await asyncio.get_running_loop().sock_connect(far, ('127.0.0.1', int(sys.argv[2])))
                near, back = await asyncio.open_connection(sock=far, limit=8192)
                for one in (writer, back): one.transport.set_write_buffer_limits(8192)
                try: await asyncio.gather(lead(reader, back), lead(near, writer))
                except OSError: pass
                for one in (writer, back): one.transport.abort()

            async def main():
                door = small(socket.socket())
                door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                door.bind(('127.0.0.1', int(sys.argv[1])))
                door.listen(1024)
                async with await asyncio.start_server(serve, sock=door, limit=8192) as server:
                    await server.serve_forever()

            asyncio.run(main())
            """
        let process = try start(Tool.python3.path(), ["-c", script, "\(port)", "\(other)"])
        try process.waitUntilListening([port])
    }
}
