// A log and the files that were the log before it, as far as they may still be written to or have not been read to their ends.
//
// Older files are read first, so one position is enough: that of the newest file of which a line has been read. What is written
// after that to an older one, by somebody who has not reopened the log yet, is read here as it comes, and is missed by whoever
// starts again from the position. Rather a line is missed than counted twice.
//
// One thing cannot be seen: that a file was cut of which no line had ever been read, for want of bytes to tell it by.

final class RotatedLog {
    /// Where to begin in the file that is there at the start. One that comes later is read from its beginning.
    enum Start {
        case beginning
        case end
        case saved(LogPosition)
    }

    /// How long a writer may take to reopen the log once nothing comes to the old file any more.
    static let patienceWithWriters = Duration.seconds(60)
    /// Older files at a time that are waited for.
    static let olderFiles = 8

    private let path: String
    private let siblings: LogSiblings
    private let watch: LogWatch?
    private var isWatched = false
    /// Older ones first. The last one is or was the log.
    private(set) var files: [FollowedFile] = []
    /// Since when the path has named nothing that can be read.
    private var missingSince: ContinuousClock.Instant?
    private var visited: ContinuousClock.Instant?
    private var notices = LogNotices()
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)

    /// Read at a time; what it tells is stored at a time, too.
    static let room = 1 << 20

    /// `file` is what stands at `path`, if anything does.
    init(_ path: String, _ file: FollowedFile?, from start: Start, watch: LogWatch?) {
        self.path = path
        self.watch = watch
        siblings = LogSiblings(path: path)
        switch start {
        case .beginning: break
        case .end: file?.goToEnd()
        case .saved(let position): resume(position, file)
        }
        if let file { add([file]) }
        if file == nil { notices.lasts("\(name) is not there yet; waiting for it") }
        visit(.now)
    }

    deinit { buffer.deallocate() }

    var descriptor: CInt? { watch?.descriptor }
    var patience: CInt { isWatched ? 1000 : 250 }
    var position: LogPosition? { files.reversed().lazy.compactMap(\.begun).first ?? files.first?.whole }

    private var name: String { UnreadableLog.name(path) }

    func takeNotices() -> [String] { notices.take() }

    // MARK: Where reading begins

    private func resume(_ position: LogPosition, _ file: FollowedFile?) {
        // Devices have other numbers after a restart of the machine.
        if let file, file.identity.inode == position.inode, position.matches(file.descriptor) {
            return file.go(to: position)
        }
        let known = [file?.identity].compactMap(\.self)
        if let older = siblings.file(at: position, besides: known, current: file?.identity) {
            return add(chain(older, file))
        }
        if let file, position.offset > 0, position.matches(file.descriptor) { return file.go(to: position) }
        // Packed since, or gone. Of what came after it some may still be there.
        add(siblings.since(position, besides: file))
        notices.add(
            "what \(name) was when it was last read is not to be found; lines from then on may be missing")
    }

    /// `older`, and what was the log between it and `current`.
    private func chain(_ older: FollowedFile, _ current: FollowedFile?) -> [FollowedFile] {
        let known = files + [older] + [current].compactMap(\.self)
        return [older] + siblings.younger(than: older, besides: known.map(\.identity), current: current)
    }

    private func add(_ more: [FollowedFile], at index: Int? = nil) {
        for file in more { file.watch = watch?.add(file: file.descriptor) }
        files.insert(contentsOf: more, at: index ?? files.count)
        // Those that are too many have been read, or are before they go.
        for file in files.dropLast(Self.olderFiles + 1) { file.isLeaving = true }
    }

    // MARK: Reading

    func read(_ each: (RawSpan) -> Void) -> LogReading {
        var bytes = 0
        var index = 0
        while index < files.count {
            addCopies(before: index)
            let file = files[index]
            switch file.read(buffer, each) {
            case .read(let count, let fillsBuffer):
                bytes += count
                if fillsBuffer || bytes >= buffer.count { return .more }
                if file.isLeaving, index + 1 < files.count {
                    remove(index)
                } else {
                    index += 1
                }
            case .cut where file.isCopy:
                remove(index)
            case .cut:
                recover(index)
            case .failed(let code):
                if !file.hasFailed { notices.add(UnreadableLog(path, code).text) }
                file.hasFailed = true
                index += 1
            }
        }
        return .idle
    }

    private func remove(_ index: Int) {
        let file = files.remove(at: index)
        if file.isCopy, index < files.count { files[index].join(file.last) }
        if let watch = file.watch { self.watch?.remove(watch) }
    }

    /// A file was cut: what it had beyond what was read stands in the copy that was made before.
    private func recover(_ index: Int) {
        let file = files[index]
        let place = file.whole
        file.beginAgain()
        guard let copy = siblings.file(at: place, besides: files.map(\.identity), current: file.identity) else {
            return notices.add("\(name) was cut and no copy is beside it; lines that came just before may be missing")
        }
        add(chain(copy, file), at: index)
    }

    /// A file of which nothing has been read since it was cut cannot be told from itself when it is cut again; but then there is
    /// another copy.
    private func addCopies(before index: Int) {
        let file = files[index]
        guard !file.isCopy, let torn = file.torn else { return }
        let known = files.map(\.identity) + [torn.copy.identity]
        let copies = siblings.younger(than: torn.copy, besides: known, current: file)
        guard let first = copies.first else { return }
        file.beginAgain()
        first.join(torn)
        add(copies, at: index)
    }

    // MARK: Looking

    func look(_ now: ContinuousClock.Instant) {
        let hasNews = watch?.hasNews() ?? true
        guard hasNews || !isWatched || visited.map({ now - $0 >= .seconds(1) }) != false else { return }
        visit(now)
    }

    private func visit(_ now: ContinuousClock.Instant) {
        visited = now
        // First: what comes after this is told.
        let isDirectoryWatched = watch?.watch(directories: Array(Set(LogPlace.all(path).map(\.directory)))) ?? false
        find(now)
        isWatched = isDirectoryWatched && files.allSatisfy { $0.watch != nil }
        for file in files.dropLast() { retire(file, now) }
    }

    /// Whether the path names another file than before.
    private func find(_ now: ContinuousClock.Instant) {
        let identity = FileIdentity(path)
        if let identity, identity == files.last?.identity { return isFound() }
        if let index = files.firstIndex(where: { $0.identity == identity && !$0.isCopy }) {
            // It has its old name again.
            files.append(files.remove(at: index))
            files[files.count - 1].isLeaving = false
            return isFound()
        }
        missingSince = missingSince ?? now
        switch LogOpening.open(path) {
        case .file(let file):
            // Renamed just now: that will be told.
            guard !files.contains(where: { $0.identity == file.identity }) else { return }
            add((files.last.map { chain($0, file).dropFirst() } ?? []) + [file])
            isFound()
        case .stream: notices.lasts("\(name) is no file any more; waiting for one")
        case .missing:
            if let missingSince, now - missingSince >= Self.patienceWithWriters {
                notices.lasts("\(name) has not been there for a minute; waiting for it")
            }
        case .unreadable(let fault): notices.lasts("\(fault.text); it is tried again")
        }
    }

    private func isFound() {
        missingSince = nil
        notices.isOver("\(name) is read now")
    }

    private func retire(_ file: FollowedFile, _ now: ContinuousClock.Instant) {
        if file.isBusy || file.quietSince == nil {
            file.quietSince = now
            file.isBusy = false
        } else if let since = file.quietSince, now - since >= Self.patienceWithWriters, missingSince == nil {
            file.isLeaving = true
        }
    }
}
