#if os(Linux)
    import Glibc
    import NIOConcurrencyHelpers
    import NIOCore
    import SSCommon
    import Testing

    @testable import SSNetwork

    @Suite("Our TCP channel against NIO's", .serialized)
    struct StreamOracleTests {
        /// What happens between a channel and its peer.
        enum Scenario: CaseIterable, Sendable {
            /// The peer ends, then the channel's output.
            case peerEndsFirst
            /// The channel's output ends, then the peer.
            case channelEndsFirst
            /// The peer asks and ends at once; the answer is long.
            case answerAfterEnd
            /// The channel stops listening.
            case inputClosed
            /// The channel closes with everything said.
            case closed
            /// The peer resets while it is being listened to.
            case reset
            /// Ends and writes that are asked for a second time.
            case twice
        }

        private struct Outcome: Equatable {
            var events: [String]
            var received: [UInt8]
            var sent: Int
            var ending: Peer.Ending?
            var results: [String]
        }

        private final class Results: Sendable {
            private let texts = NIOLockedValueBox<[String]>([])
            var all: [String] { texts.withLockedValue { $0 } }

            func note(_ name: String, of future: EventLoopFuture<Void>) {
                future.whenComplete { result in
                    let text =
                        switch result {
                        case .success: "kept"
                        case .failure(let error as ChannelError): "\(error)"
                        case .failure(let error): "\(type(of: error))"
                        }
                    self.texts.withLockedValue { $0.append("\(name) \(text)") }
                }
            }
        }

        private func play(_ scenario: Scenario, on kind: EngineKind) async throws -> Outcome {
            let results = Results()
            let rig = try await ScriptedChannel(kind, receiveBuffer: 64 * 1024) { moment, context in
                if scenario == .answerAfterEnd, moment == .inputClosed {
                    results.note("write", of: context.channel.write(ByteBuffer(repeating: 3, count: 2_000_000)))
                    context.flush()
                    results.note("end", of: context.channel.close(mode: .output))
                }
            }
            var (sent, ending): (Int, Peer.Ending?) = (0, nil)
            func readAll() {
                let (bytes, how) = rig.peer.readToEnd()
                (sent, ending) = (bytes.count, how)
            }
            switch scenario {
            case .peerEndsFirst:
                rig.peer.write([1, 2])
                rig.peer.endWriting()
                #expect(await rig.comes("inputClosed"))
                results.note("end", of: rig.channel.close(mode: .output))
                readAll()
            case .channelEndsFirst:
                results.note("write", of: rig.channel.writeAndFlush(ByteBuffer(repeating: 3, count: 1_000_000)))
                results.note("end", of: rig.channel.close(mode: .output))
                readAll()
                rig.peer.write([1, 2])
                rig.peer.endWriting()
            case .answerAfterEnd:
                rig.peer.write([1, 2])
                rig.peer.endWriting()
                readAll()
            case .inputClosed:
                results.note("deaf", of: rig.channel.close(mode: .input))
                #expect(await rig.comes("inputClosed"))
                results.note("deaf", of: rig.channel.close(mode: .input))
                results.note("write", of: rig.channel.writeAndFlush(ByteBuffer(bytes: [4])))
                results.note("end", of: rig.channel.close(mode: .output))
                readAll()
            case .closed:
                results.note("write", of: rig.channel.writeAndFlush(ByteBuffer(bytes: [4, 5])))
                results.note("close", of: rig.channel.close())
                readAll()
            case .reset:
                rig.peer.write([1, 2])
                #expect(await rig.comes("read"))
                rig.peer.reset()
            case .twice:
                results.note("end", of: rig.channel.close(mode: .output))
                results.note("end", of: rig.channel.close(mode: .output))
                results.note("write", of: rig.channel.writeAndFlush(ByteBuffer(bytes: [4])))
                #expect(await rig.comes("outputClosed"))
                results.note("close", of: rig.channel.close())
                results.note("close", of: rig.channel.close())
                readAll()
            }
            #expect(await rig.comes("inactive"), "\(scenario) on \(kind): \(rig.trace.all)")
            try? await rig.channel.closeFuture.get()
            let outcome = Outcome(
                events: rig.trace.all.filter { $0 != "writability" }, received: rig.trace.received, sent: sent,
                ending: ending, results: results.all)
            try await rig.end()
            return outcome
        }

        @Test("Both tell their handlers and their callers the same", arguments: Scenario.allCases)
        func same(_ scenario: Scenario) async throws {
            let ours = try await play(scenario, on: .ours)
            let theirs = try await play(scenario, on: .nio)
            #expect(ours == theirs)
        }
    }
#endif
