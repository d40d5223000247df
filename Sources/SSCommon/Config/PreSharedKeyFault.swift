// What is wrong with a key of SIP022, in words.

extension PreSharedKeys.Fault {
    /// The sentence for a diagnostic.
    package func message(_ method: CipherMethod) -> String {
        switch self {
        case .notBase64: "the key is not written in base64"
        case .wrongLength(_, let count, let wanted): "the key has \(count) bytes instead of \(wanted)"
        case .noIdentities: "\(method.rawValue) takes one key"
        case .tooMany: "too many keys"
        }
    }

    /// What stands beside the place.
    package func label(_ method: CipherMethod) -> String {
        switch self {
        case .notBase64(let index), .wrongLength(let index, _, _):
            index == 0 ? "\(method.keyLength) random bytes in base64" : "the key behind colon number \(index)"
        case .noIdentities: "there are no users behind colons"
        case .tooMany: "at most \(PreSharedKeys.maximumIdentities) servers may be on the way"
        }
    }
}
