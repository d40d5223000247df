// The files beside a log that were the log before: log.1, log-20260101, log.old. What was not read before a rotation stands there.
internal import SSServerCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

struct LogSiblings {
    let path: String

    private final class Candidate {
        /// The digits in what its name has behind the log's: a number, which grows as the file gets older, or a date.
        let digits: String
        private(set) var descriptor: CInt
        let identity: FileIdentity
        let size: Int64
        let modified: FileTime

        init(_ suffix: String, _ descriptor: CInt, _ status: stat) {
            digits = suffix.filter(\.isNumber)
            self.descriptor = descriptor
            identity = FileIdentity(status)
            size = Int64(status.st_size)
            modified = FileTime(modified: status)
        }

        deinit { if descriptor >= 0 { close(descriptor) } }

        /// By the names; nil if they do not say.
        func isYounger(than other: Candidate) -> Bool? {
            let isDate = digits.utf8.count >= 6
            guard !digits.isEmpty, !other.digits.isEmpty, isDate == (other.digits.utf8.count >= 6) else { return nil }
            if isDate { return digits.utf8.count == other.digits.utf8.count ? digits > other.digits : nil }
            return Int(digits) ?? 0 < Int(other.digits) ?? 0
        }

        /// The descriptor, which is the caller's from now on.
        func take() -> CInt {
            defer { descriptor = -1 }
            return descriptor
        }
    }

    /// Where `position` is found again in another file than those in `known`: under another name, or in a copy.
    /// `current` is the log itself, if it is there.
    func file(at position: LogPosition, besides known: [FileIdentity], current: FileIdentity?) -> FollowedFile? {
        let found = candidates(inode: position.inode) { _ in true }
            .filter { !known.contains($0.identity) && position.matches($0.descriptor) }
            // Where nothing was read, nothing tells a copy.
            .filter { position.offset > 0 || $0.identity.inode == position.inode }
        let itself = found.first { $0.identity.inode == position.inode }
        // A copy that was made earlier is shorter.
        guard let best = itself ?? found.max(by: { $0.size < $1.size }) else { return nil }
        let isCopy = itself == nil && current?.inode == position.inode
        return FollowedFile(best.take(), best.identity, at: position, isCopy: isCopy)
    }

    /// The files that were the log after `file` and before the one that is it now, older ones first.
    func younger(than file: FollowedFile, besides known: [FileIdentity], current: FollowedFile?) -> [FollowedFile] {
        var status = stat()
        guard fstat(file.descriptor, &status) == 0 else { return [] }
        let since = FileTime(modified: status)
        let all = candidates(inode: nil, isRotated)
        let itself = all.first { $0.identity == file.identity }
        // Renamed since it was opened: what is younger than that comes behind it, when this looks again.
        let end = all.first { $0.identity == current?.identity }
        let younger = all.filter { candidate in
            if let end, candidate.isYounger(than: end) == true { return false }
            // Somebody may have written to an older one last: then names tell. Rather a line is missed than counted twice.
            let isYounger = itself.flatMap { candidate.isYounger(than: $0) }
            return isYounger != false && !known.contains(candidate.identity)
                && (candidate.modified > since || isYounger == true && candidate.modified == since)
        }
        let heads = younger.map { Self.head($0.descriptor) }
        let own = Self.head(file.descriptor)
        // Last: what is being copied from it while this looks has no bytes that it has not.
        let now = current.map { Self.head($0.descriptor) } ?? []
        let found = zip(younger, heads).filter { _, head in
            !Self.isSame(head, own) && (file.isCopy ? !now.starts(with: head) : !Self.isSame(head, now))
        }
        .map(\.0)
        .sorted { $0.modified == $1.modified ? $1.isYounger(than: $0) == true : $0.modified < $1.modified }
        return found.map { candidate in
            let position = file.isCopy ? LogPosition(file.whole.file) : nil
            return FollowedFile(candidate.take(), candidate.identity, at: position, isCopy: file.isCopy)
        }
    }

    /// The files that were begun after the line that `position` is behind, by the times in them, older ones first.
    func since(_ position: LogPosition, besides current: FollowedFile?) -> [FollowedFile] {
        guard let last = LogClock.lastStamp(position.fingerprint[...]) else { return [] }
        var heads = [current.map { Self.head($0.descriptor) } ?? []]
        let found = candidates(inode: nil, isRotated).sorted { $0.modified > $1.modified }
            .filter { candidate in
                let head = Self.head(candidate.descriptor)
                guard candidate.identity != current?.identity, !heads.contains(where: { Self.isSame($0, head) }),
                    let first = LogClock.firstStamp(head[...]), first.seconds >= last.seconds
                else { return false }
                heads.append(head)
                return true
            }
        return found.reversed().map { FollowedFile($0.take(), $0.identity) }
    }

    private static func head(_ descriptor: CInt) -> [UInt8] { FilePart.read(descriptor, count: 1024, at: 0) }

    /// Whether one is somebody's copy of the other: two generations of a log have no such beginning in common.
    private static func isSame(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        min(one.count, other.count) >= 64 && zip(one, other).allSatisfy(==)
    }

    /// Whether a name is that of the log with a number or a date behind it, or "old". Others write to log.debug.
    private func isRotated(_ suffix: Substring) -> Bool {
        suffix == ".old"
            || suffix.contains(where: \.isNumber) && suffix.utf8.allSatisfy("-._:TZ0123456789".utf8.contains)
    }

    private struct Entry: Hashable {
        var path: String
        var suffix: String
        var inode: UInt64
    }

    /// Text files beside the log, and beside what it links to, whose names go on from its name, or that have this inode.
    private func candidates(inode: UInt64?, _ isSuffix: (Substring) -> Bool) -> [Candidate] {
        var entries = entries(inode, isSuffix)
        // While files are being renamed, one may be missed, or be seen under two names.
        for _ in 0..<20 {
            var found: [Candidate] = []
            for entry in entries {
                guard let open = LogOpening.openSibling(entry.path) else { continue }
                let candidate = Candidate(entry.suffix, open.descriptor, open.status)
                if !found.contains(where: { $0.identity == candidate.identity }) { found.append(candidate) }
            }
            let now = self.entries(inode, isSuffix)
            if now == entries { return found }
            entries = now
        }
        return []
    }

    private func entries(_ inode: UInt64?, _ isSuffix: (Substring) -> Bool) -> Set<Entry> {
        var entries: Set<Entry> = []
        for place in LogPlace.all(path) {
            for entry in Self.entries(place.directory) where entry.name != place.name {
                let suffix = entry.name.hasPrefix(place.name) ? entry.name.dropFirst(place.name.count) : nil
                guard entry.inode == inode || suffix.map(isSuffix) == true else { continue }
                let path = place.directory + "/" + entry.name
                entries.insert(Entry(path: path, suffix: String(suffix ?? ""), inode: entry.inode))
            }
        }
        return entries
    }

    /// Of what is in a directory.
    static func names(in directory: String) -> [String] { entries(directory).map(\.name) }

    private static func entries(_ directory: String) -> [(name: String, inode: UInt64)] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var entries: [(String, UInt64)] = []
        while let entry = readdir(stream) {
            // The name ends in a NUL within the entry, which stays until the next one is read.
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
            }
            entries.append((name, UInt64(entry.pointee.d_ino)))
        }
        return entries
    }
}
