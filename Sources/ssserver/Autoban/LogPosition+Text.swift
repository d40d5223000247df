// A position as a line of text: numbers, and the bytes in Base64.
internal import SSCommon

extension LogPosition {
    var text: String { "\(device) \(inode) \(offset) \(Base64.encode(fingerprint))" }

    /// Nil for what is no such line.
    init?(text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 4, let device = UInt64(words[0]), let inode = UInt64(words[1]),
            let offset = UInt64(words[2]), let fingerprint = Base64.decode(words[3])
        else { return nil }
        self.init(FileIdentity(device: device, inode: inode), offset: offset, fingerprint: fingerprint)
    }
}
