import NIOPosix
import NIOCore
import SSCommon
import SSNetwork
final class O: ClientStreamOwner {
    func serverAnswered() {}; func serverAnswerRefused(_ f: StreamFault) {}; func serverClosedSilently() {}
}
let a = CommandLine.arguments
let method = CipherMethod(rawValue: a[3])!
let group = MultiThreadedEventLoopGroup(numberOfThreads: Int(a[4])!)
let loops = LoopContexts(group)
let dialer = ServerDialer(
    server: TargetAddress(host: "127.0.0.1", port: UInt16(a[5])!)!,
    credential: Credential(method: method, password: a[2]), replay: ReplayGuard(), connector: LiteralDialer(),
    loops: loops, owner: O())
let target = TargetAddress(host: "127.0.0.1", port: UInt16(a[6])!)!
let l = try StreamListener.bind(Endpoint(.v4(IPv4Address(127, 0, 0, 1)), UInt16(a[1])!), group: group, loops: loops) {
    c, loop, al in
    let near = RelayHandler(allocator: al, isFirst: true)
    try c.pipeline.syncOperations.addHandler(near)
    let far = RelayHandler(allocator: nil, isFirst: false)
    let bound = NIOLoopBound(far, eventLoop: c.eventLoop)
    dialer.dial(target, on: c.eventLoop) { ch in try ch.pipeline.syncOperations.addHandler(bound.value) }
        .assumeIsolated().whenComplete { r in
            switch r {
            case .success:
                Relay(near, far, on: loop, timeouts: RelayTimeouts())
            case .failure: c.close(promise: nil)
            }
        }
}.wait()
_ = l
try group.next().makePromise(of: Void.self).futureResult.wait()
