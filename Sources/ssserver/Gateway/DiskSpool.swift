// An answer that is too large for memory, written to disk while it comes, and read from there by those who are behind. What does not
// become whole goes with the object. All of it but `reserve` happens on threads that may wait for a disk.
internal import NIOConcurrencyHelpers
internal import SSCommon
internal import SSServerCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

final class DiskSpool: StoredFileReader, Sendable {
    /// What is known before the body has come.
    struct Answer: Sendable {
        var key: CacheKey
        var variant: VariantKey?
        var terms: StoredTerms
        var head: StoredHead
        var origin: IPAddress?
    }

    private struct State {
        var descriptor: DiskDescriptor?
        /// Of each whole block that is written, and of the last one.
        var sums: [UInt64] = []
        /// Bytes of the body that are written.
        var written = 0
        var reserved = 0
        var isPublished = false
    }

    /// Room is reserved in such steps where it is not known how many bytes will come.
    private static let step = 8 << 20

    private let answer: Answer
    private let store: DiskStore
    private let sum: DiskSum
    private let path: String
    private let hash: UInt64
    private let number: UInt64
    private let generation: UInt64
    private let front: Int
    private let state = NIOLockedValueBox(State())
    private let broken = Atomic(false)

    init(
        _ answer: Answer, _ store: DiskStore, _ sum: DiskSum, path: String, hash: UInt64, number: UInt64,
        since generation: UInt64
    ) {
        self.answer = answer
        self.store = store
        self.sum = sum
        self.path = path
        self.hash = hash
        self.number = number
        self.generation = generation
        // Whatever its numbers are, the front takes as many bytes.
        front = DiskRecord.front(Self.response(answer, sum, path: "", front: 0, count: 0, cost: 0), sum).count
    }

    deinit {
        let (reserved, isPublished) = state.withLockedValue { ($0.reserved, $0.isPublished) }
        _ = store.reserve(-reserved)
        if !isPublished { store.submit { [path] _ in unlink(path) } }
    }

    private static func response(
        _ answer: Answer, _ sum: DiskSum, path: String, front: Int, count: Int, cost: UInt32
    ) -> StoredResponse {
        StoredResponse(
            answer.key, answer.variant, answer.terms, answer.head,
            file: DiskFile(path: path, sum: sum, start: front, count: count), count: count, origin: answer.origin,
            cost: cost)
    }

    /// Nothing more can be written.
    var isBroken: Bool { broken.load(ordering: .relaxed) }

    func stop() { broken.store(true, ordering: .relaxed) }

    /// Whether there is room for a body of so many bytes; `isAll` if no more will come.
    func reserve(_ count: Int, isAll: Bool = false) -> Bool {
        state.withLockedValue { state in
            let missing = count - state.reserved
            guard missing > 0 else { return true }
            let step = isAll ? missing : max(missing, Self.step)
            guard store.reserve(step) else { return false }
            state.reserved += step
            return true
        }
    }

    /// The next bytes of the body: as many blocks as they are, and fewer only at the end. False if they cannot be written.
    func write(_ body: BlockBytes, _ range: Range<Int>) -> Bool {
        guard !isBroken, let descriptor = opened() else { return false }
        var offset = range.lowerBound
        while offset < range.upperBound {
            let count = min(DiskRecord.blockSize, range.upperBound - offset)
            let sum = body.withContiguous(offset..<offset + count) { bytes in
                descriptor.write(bytes, at: front + offset) ? self.sum.sum(bytes, at: offset) : nil
            }
            guard let sum else { return fail("write") }
            offset += count
            state.withLockedValue { state in
                state.sums.append(sum)
                state.written = offset
            }
        }
        return true
    }

    private func fail(_ call: String) -> Bool {
        stop()
        // Its name goes, and what is there can be read as long as somebody does.
        store.failed(call, path)
        return false
    }

    private func opened() -> DiskDescriptor? {
        if let descriptor = state.withLockedValue({ $0.descriptor }) { return descriptor }
        guard let descriptor = DiskDescriptor(path, O_RDWR | O_CREAT | O_EXCL) else {
            _ = fail("open")
            return nil
        }
        state.withLockedValue { $0.descriptor = descriptor }
        return descriptor
    }

    func block(at offset: Int) -> (block: BodyBlock, start: Int)? {
        let index = offset / DiskRecord.blockSize
        let start = index * DiskRecord.blockSize
        let known: (DiskDescriptor, Int, UInt64)? = state.withLockedValue { state in
            guard offset >= 0, offset < state.written, let descriptor = state.descriptor else { return nil }
            return (descriptor, min(DiskRecord.blockSize, state.written - start), state.sums[index])
        }
        guard let (descriptor, count, sum) = known else { return nil }
        let block = BodyBlock(capacity: count)
        guard block.fill(by: { descriptor.fill($0, at: front + start) }),
            block.withBytes(0..<count, { self.sum.sum($0, at: start) }) == sum
        else { return nil }
        return (block, start)
    }

    /// All is written: from now on it is kept, unless it was made void meanwhile. `cost` is in milliseconds.
    func finish(cost: UInt32) -> StoredResponse? {
        let (written, sums, descriptor) = state.withLockedValue { ($0.written, $0.sums, $0.descriptor) }
        guard !isBroken, let descriptor, !store.isVoid(hash, since: generation) else { return nil }
        let back = DiskRecord.back(sums)
        let file = DiskIndex.File(hash: hash, number: number, size: front + written + back.count)
        let response = Self.response(answer, sum, path: store.path(file), front: front, count: written, cost: cost)
        let head = DiskRecord.front(response, sum)
        guard head.count == front, front <= DiskRecord.maximumHead,
            back.withUnsafeBytes({ descriptor.write($0, at: front + written) }),
            head.withUnsafeBytes({ descriptor.write($0, at: 0) })
        else {
            _ = fail("write")
            return nil
        }
        // What was reserved becomes what is kept.
        let reserved = state.withLockedValue { state in
            defer { state.reserved = 0 }
            return state.reserved
        }
        _ = store.reserve(-reserved)
        guard store.publish(path, file, response, since: generation) else { return nil }
        state.withLockedValue { $0.isPublished = true }
        return response
    }
}
