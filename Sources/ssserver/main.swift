import NIOPosix
import SSCommon
import SSNetwork
import NIOCore
let a = CommandLine.arguments
let method = CipherMethod(rawValue: a[3])!
let group = MultiThreadedEventLoopGroup(numberOfThreads: Int(a[4])!)
let loops = LoopContexts(group)
let service = InboundService(
    credential: Credential(method: method, password: a[2]), replay: ReplayGuard(), dialer: LiteralDialer(),
    loops: loops, timeouts: RelayTimeouts())
let l = try StreamListener.bind(Endpoint(.v4(IPv4Address(127, 0, 0, 1)), UInt16(a[1])!), group: group, loops: loops) {
    c, l, al in try service.accept(c, l, al)
}.wait()
_ = l
try group.next().makePromise(of: Void.self).futureResult.wait()
