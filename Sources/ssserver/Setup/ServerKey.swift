// The key of a new server: fresh, or the one that somebody brings, which is looked at first. A key that can be guessed is
// refused here and only warned of elsewhere, because here nobody depends on it yet.
internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

enum ServerKey {
    private static let sizeLimit = 64 << 10

    /// Throws the exit status, with a word of why, that does not hold the key.
    static func text(from file: String?, for method: CipherMethod) throws -> String {
        guard let file else { return Base64.encode(Sodium.random(method.keyLength)) }
        let line = try bytes(of: file).prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard let key = String(validating: line, as: UTF8.self), !key.isEmpty, !line.contains(0) else {
            Report.error("the key is no text, or empty", help: fresh)
            throw Report.failed
        }
        if let reason = PasswordStrength.refusal(of: key, for: method) {
            Report.error("this key will not do: \(reason)", help: fresh)
            throw Report.failed
        }
        return key
    }

    private static let fresh = "leave --password-file out, and a fresh one is made"

    private static func bytes(of file: String) throws -> [UInt8] {
        guard file != "-" else {
            do throws(SecretInput.Failure) {
                return try SecretInput.read(prompt: "The key (it is not shown): ", limit: sizeLimit)
            } catch {
                Report.error("no key from standard input: \(error)", help: fresh)
                throw Report.failed
            }
        }
        do throws(SmallFile.Failure) {
            return try SmallFile(file, limit: sizeLimit).bytes
        } catch {
            Report.error("cannot read the password file: \(error)", help: error.help)
            throw Report.failed
        }
    }
}
