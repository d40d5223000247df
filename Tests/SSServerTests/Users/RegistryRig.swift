// A registry of users on ports of its own, with a directory, a clock and a log of the test's.
import Foundation
import Logging
import NIOConcurrencyHelpers
import SSNetwork
import SSServerCore
import Testing

@testable import SSCommon
@testable import ssserver

/// A directory of the test's own.
final class Scratch: Sendable {
    let directory = "/tmp/ss-users-\(getpid())-\(UInt64.random(in: 0 ... .max))"

    init() { try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    var file: String { "\(directory)/users.sqlite" }
    var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: directory))?.sorted() ?? [] }

    /// Permission bits of what is there.
    func mode(_ path: String) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int
    }
}

/// Port, method, key and users of a configured port.
struct PortSetting: Sendable {
    var port: UInt16
    var method: CipherMethod
    var address = "127.0.0.1"
    var key: String
    /// Nil where the configuration has no "users".
    var users: [UserConfiguration]?

    init(_ port: UInt16 = 8388, _ method: CipherMethod = .blake3AES256GCM, users: [UserConfiguration]? = nil) {
        self.port = port
        self.method = method
        self.users = users
        key = Self.freshKey(method)
    }

    static func freshKey(_ method: CipherMethod) -> String { Base64.encode(Sodium.random(method.keyLength)) }

    var served: ServedPort {
        get throws {
            let endpoint = EndpointConfiguration(
                TargetAddress(host: address, port: port)!, method: method, password: .text(key), users: users)
            return ServedPort(endpoint, try Credential(method: method, secret: key))
        }
    }
}

extension UserConfiguration {
    init(
        _ name: String, _ key: String, quota: UInt64? = nil, rate: UInt64? = nil, streams: Int? = nil,
        expires: String? = nil
    ) {
        self.init(
            name: name, password: .text(key), quota: quota, rate: rate, streams: streams, expires: expires)
    }
}

/// One run of the program over the files of `scratch`.
struct RegistryRig {
    let registry: UserRegistry
    let ports: [ServedPort]
    let clock: TestClock
    let log: RecordedLog
    /// Whose directory lives as long as this.
    private let scratch: Scratch

    /// `path` instead of the scratch's file; an empty one for no state directory.
    init(_ settings: [PortSetting], _ scratch: Scratch, clock: TestClock = TestClock(), path: String? = nil) throws {
        let log = RecordedLog()
        ports = try settings.map { try $0.served }
        self.clock = clock
        self.log = log
        self.scratch = scratch
        registry = UserRegistry(
            ports, path: path == "" ? nil : path ?? scratch.file, logger: Logger(label: "test", factory: { _ in log }),
            now: { clock.now })
    }

    /// Started.
    static func running(
        _ settings: [PortSetting], _ scratch: Scratch, clock: TestClock = TestClock()
    ) async throws -> RegistryRig {
        let rig = try RegistryRig(settings, scratch, clock: clock)
        try await rig.registry.start()
        return rig
    }

    /// Two seconds, after which everything is in the file.
    func tickTwice() async {
        await registry.tick()
        await registry.tick()
    }

    /// Who a client with this "password" is to the port; nil if it is not served at all.
    func owner(_ secret: String, _ index: Int = 0) throws -> Accepted? {
        let port = ports[index]
        guard let credential = try? Credential(method: port.method, secret: secret) else { return nil }
        var sealer = RequestSealer(
            credential, target: TargetAddress(host: "example.com", port: 80)!, salt: .random(for: port.method))
        let payload: [UInt8] = [1, 2, 3, 4, 5]
        let wire = [UInt8](unsafeUninitializedCapacity: sealer.sealedCount(5)) { buffer, filled in
            var output = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
            sealer.seal(payload.span.bytes, into: &output, circumstances: .init(now: 1_000, random: 0))
            filled = output.finalize(for: UnsafeMutableRawBufferPointer(buffer))
        }
        var opener = RequestOpener(port.ring.keys)
        var found: Accepted?
        _ = [UInt8](unsafeUninitializedCapacity: wire.count) { buffer, filled in
            var output = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
            let received = try? opener.receive(
                wire.span.bytes, into: &output, now: 1_000, isKnown: { _ in false }, remember: { _ in })
            found = received?.request?.owner
            filled = output.finalize(for: UnsafeMutableRawBufferPointer(buffer))
        }
        return found
    }

    /// What the list says of a user.
    func status(_ name: String, port: UInt16? = nil) async -> UserRegistry.Status? {
        await registry.list(name, port: port).first
    }
}

/// A clock that is set.
final class TestClock: Sendable {
    private let seconds: NIOLockedValueBox<UnixSeconds>

    /// 2027-03-15, 12:00 UTC.
    init(_ seconds: UnixSeconds = 1_805_112_000) { self.seconds = NIOLockedValueBox(seconds) }

    var now: UnixSeconds {
        get { seconds.withLockedValue { $0 } }
        set { seconds.withLockedValue { $0 = newValue } }
    }

    func set(_ day: String) { now = CalendarDay(day)!.start }
}

/// Every line with its metadata.
final class RecordedLog: LogHandler, Sendable {
    private let all = NIOLockedValueBox<[String]>([])
    var lines: [String] { all.withLockedValue { $0 } }

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        all.withLockedValue { $0.append(([event.level.rawValue, "\(event.message)"] + fields).joined(separator: " ")) }
    }
}

/// What `body` is refused with.
func failure(_ body: () async throws -> Void) async -> AdminFailure? {
    do {
        try await body()
        return nil
    } catch {
        #expect(error is AdminFailure)
        return error as? AdminFailure
    }
}
