import NIOCore
import NIOPosix
import NIOSSL
import SSCommon
import SSNetwork
import Testing

@testable import sslocal

/// Says by TLS what it is told, whatever it is asked, a text a connection; then it ends or falls silent.
private final class TLSOrigin: Sendable {
    private let listener: any Channel
    private let requests: Locked<[String]>

    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let answers: Locked<[String]>
        let requests: Locked<[String]>
        private var request = ""

        init(_ answers: Locked<[String]>, _ requests: Locked<[String]>) {
            self.answers = answers
            self.requests = requests
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            request += String(buffer: unwrapInboundIn(data))
            guard request.hasSuffix("\r\n\r\n") else { return }
            requests.withLock { $0.append(request) }
            let answer = answers.withLock { $0.isEmpty ? "" : $0.removeFirst() }
            guard !answer.isEmpty else { return }
            let channel = context.channel
            context.writeAndFlush(NIOAny(ByteBuffer(string: answer))).whenComplete { _ in channel.close(promise: nil) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    init(_ answers: [String], hasTLS: Bool = true) async throws {
        let left = Locked(answers)
        let requests = Locked<[String]>([])
        self.requests = requests
        let context = try TestCertificate.serverContext()
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if hasTLS { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
                    try pipeline.addHandler(Answering(left, requests))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var asked: [String] { requests.withLock { $0 } }

    /// What `address` gives when every way leads here.
    func fetch(
        _ address: String = "https://lists.example/path?token=SECRET", trusted: Bool = true,
        patience: TimeAmount = .seconds(20), on eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()
    ) async throws -> (result: Result<String, HTTPSFetch.Failure>, targets: [TargetAddress]) {
        let dialer = DirectDialer(to: listener.localAddress?.port ?? 0)
        var fetch = HTTPSFetch(dialer: dialer, eventLoop: eventLoop)
        if trusted { fetch.roots = try TestCertificate.roots() }
        fetch.patience = patience
        defer { listener.close(promise: nil) }
        do throws(HTTPSFetch.Failure) {
            let bytes = try await fetch.get(try! HTTPSAddress(address))
            return (.success(String(decoding: bytes, as: UTF8.self)), dialer.targets)
        } catch {
            #expect(!error.description.contains("SECRET"))
            return (.failure(error), dialer.targets)
        }
    }
}

@Suite("Lists by HTTPS")
struct HTTPSFetchTests {
    private let whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    @Test("A document is fetched whole, with a length, in chunks, and after an interim answer")
    func whole() async throws {
        for answer in [
            whole, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            "HTTP/1.1 103 Early Hints\r\n\r\n" + whole, "HTTP/1.0 200 OK\r\n\r\nhello",
        ] {
            let origin = try await TLSOrigin([answer])
            let (result, targets) = try await origin.fetch()
            #expect(try result.get() == "hello")
            #expect(targets == [TargetAddress(host: "lists.example", port: 443)!])
            let request = try #require(origin.asked.first)
            #expect(request.hasPrefix("GET /path?token=SECRET HTTP/1.1\r\nHost: lists.example\r\n"))
            #expect(!request.lowercased().contains("user-agent"))
        }
    }

    @Test("The engine of the program takes TLS as well")
    func engine() async throws {
        let group = Engine.makeGroup(threads: 1)
        let body = String(repeating: "x", count: 300_000)
        let origin = try await TLSOrigin(["HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body])
        #expect(try await origin.fetch(on: group.next()).result.get() == body)
        let stranger = try await TLSOrigin([whole])
        let result = try await stranger.fetch("https://stranger.example/", on: group.next()).result
        #expect(throws: HTTPSFetch.Failure.self) { try result.get() }
        try await group.shutdownGracefully()
    }

    @Test("Who cannot prove who it is gets no request")
    func untrusted() async throws {
        for (address, trusted, hasTLS) in [
            ("https://lists.example/", false, true), ("https://stranger.example/", true, true),
            ("https://lists.example/", true, false),
        ] {
            let origin = try await TLSOrigin([whole], hasTLS: hasTLS)
            let result = try await origin.fetch(address, trusted: trusted, patience: .seconds(3)).result
            #expect(throws: HTTPSFetch.Failure.self) { try result.get() }
            #expect(origin.asked.isEmpty)
        }
    }

    @Test("Redirects are followed to https, three of them, and nowhere else")
    func redirects() async throws {
        func to(_ place: String) -> String { "HTTP/1.1 302 Found\r\nLocation: \(place)\r\nContent-Length: 0\r\n\r\n" }
        let good = try await TLSOrigin([to("/there"), to("https://other.example:8443/x"), to("/y"), whole])
        let (result, targets) = try await good.fetch()
        #expect(try result.get() == "hello")
        #expect(
            targets.map { "\($0)" } == [
                "lists.example:443", "lists.example:443", "other.example:8443", "other.example:8443",
            ])
        #expect(
            good.asked.map { $0.prefix { $0 != "\r\n" } } == [
                "GET /path?token=SECRET HTTP/1.1", "GET /there HTTP/1.1", "GET /x HTTP/1.1", "GET /y HTTP/1.1",
            ])
        for bad in [
            [to("http://other.example/")], [to("//other.example/")], [to("https://127.0.0.1/")], [to("")],
            [to("https://user:SECRET@lists.example/")], ["HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n"],
            Array(repeating: to("/again"), count: 9),
        ] {
            let result = try await TLSOrigin(bad).fetch().result
            #expect(throws: HTTPSFetch.Failure.self) { try result.get() }
        }
    }

    @Test("What is not whole, not 200, not HTTP, coded or too long is no document")
    func bad() async throws {
        let tooLong = HTTPSFetch.maximumBody + 1
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n", "SSH-2.0-OpenSSH\r\n",
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nContent-Length: \(tooLong)\r\n\r\n" + String(repeating: " ", count: tooLong),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "HTTP/1.1 200 OK\r\n",
        ] {
            let result = try await TLSOrigin([answer]).fetch().result
            #expect(throws: HTTPSFetch.Failure.self, "\(answer.prefix(40))") { try result.get() }
        }
    }

    @Test("Who does not answer is given up")
    func silent() async throws {
        let result = try await TLSOrigin([""]).fetch(patience: .milliseconds(300)).result
        #expect(throws: HTTPSFetch.Failure(description: "https://lists.example/… did not answer in time")) {
            try result.get()
        }
    }
}
