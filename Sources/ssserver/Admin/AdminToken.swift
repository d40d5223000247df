// The password of those who manage the server by requests that carry one: in a file of the owner's, made with 32 random bytes
// if it is not there. The file is read for each request, so that a new password counts at once.
internal import SSCommon
internal import SSNetwork

struct AdminToken: Sendable {
    /// Shorter ones can be guessed.
    private static let minimumLength = 16
    private static let limit = 4096

    let path: String

    /// A relative path starts in the state directory. Throws where the file is no good, or cannot be made.
    init(_ configured: String, below directory: String?) throws(StartFailure) {
        path = configured.hasPrefix("/") ? configured : directory.map { "\($0)/\(configured)" } ?? configured
        if !SmallFile.exists(path) {
            let token = Sodium.random(32).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            do throws(PrivateFile.Failure) {
                try PrivateFile.save(token + "\n", to: path, replacing: false)
            } catch {
                throw StartFailure(
                    "the token file \(path) cannot be made: \(Self.words(error))",
                    help: "name a file that can be made, or take token_file out", isBadConfiguration: true)
            }
        }
        do throws(SmallFile.Failure) {
            _ = try read()
        } catch {
            throw StartFailure("the token file \(path): \(error)", help: error.help, isBadConfiguration: true)
        }
    }

    private static func words(_ failure: PrivateFile.Failure) -> String {
        switch failure {
        case .exists: "something has its name"
        case .system(let words): words
        }
    }

    private func read() throws(SmallFile.Failure) -> [UInt8] {
        let file = try SmallFile(path, limit: Self.limit)
        guard !file.isOpenToOthers else {
            throw SmallFile.Failure(description: "others may read it", help: "chmod 600 \(path)")
        }
        let token = Array(String(decoding: file.bytes, as: UTF8.self).withoutOuterBlanks.utf8)
        guard token.count >= Self.minimumLength else {
            throw SmallFile.Failure(
                description: "it has fewer than \(Self.minimumLength) characters",
                help: "remove it; a start makes a good one")
        }
        return token
    }

    /// Whether `text` is the password; false too where the file is no good any more.
    func matches(_ text: String) -> Bool {
        guard let token = try? read() else { return false }
        return Sodium.constantTimeEqual(token, Array(text.utf8))
    }
}
