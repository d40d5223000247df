// The stable names of everything that can be wrong with a configuration. Scripts and editors match on them:
// a code is never given a second meaning, and a retired one is not used again.

/// How bad a finding is.
package enum Severity: String, Hashable, Sendable {
    /// Nothing starts.
    case error
    /// It starts, and perhaps not as meant.
    case warning
}

/// `C0xx` is an error, `C1xx` a warning.
package enum DiagnosticCode: String, CaseIterable, Sendable {
    // The text.
    /// The file is larger than any configuration.
    case fileTooLarge = "C001"
    /// A byte that is no UTF-8, or a NUL.
    case badText = "C002"
    /// Not JSON, even with our liberties.
    case syntax = "C003"
    /// Brackets within brackets beyond the limit.
    case nestedTooDeep = "C004"
    /// The document is no object.
    case notAnObject = "C005"
    /// More faults than are worth showing.
    case tooManyFaults = "C006"

    // Keys.
    /// The same key twice.
    case repeatedKey = "C010"
    /// A value of another type than the key takes.
    case wrongType = "C011"
    /// A key nobody knows.
    case unknownKey = "C012"
    /// A key that cannot be left out.
    case missingKey = "C013"
    /// A word that is none of the choices.
    case unknownChoice = "C014"
    /// Two settings that exclude each other.
    case conflict = "C015"

    // Values.
    /// Not a host name or address.
    case badHost = "C020"
    /// A port outside 1...65535.
    case badPort = "C021"
    /// A number outside its range.
    case outOfRange = "C022"
    /// Not a time.
    case badTime = "C023"
    /// Not a size.
    case badSize = "C024"
    /// Not an address range.
    case badPrefix = "C025"
    /// Text that is empty, or of the wrong shape.
    case badValue = "C026"

    // Methods and keys.
    /// No such method.
    case unknownMethod = "C030"
    /// A method that protects nobody.
    case insecureMethod = "C031"
    /// A method this version does not have.
    case unsupportedMethod = "C032"
    /// The key of the example file.
    case exampleKey = "C033"
    /// An environment variable that is not set.
    case missingVariable = "C034"
    /// Not the random bytes that the method takes.
    case badKey = "C035"

    // What would be served.
    /// Something of the contract that this version does not have.
    case unsupported = "C040"
    /// Two listeners on one address.
    case sameListener = "C041"
    /// Everything is disabled.
    case nothingToServe = "C042"

    // Found by the programs when they try.
    /// A file that is not there or cannot be read.
    case unreadableFile = "C060"
    /// An address that cannot be listened on.
    case cannotListen = "C061"

    // Warnings.
    /// A key or value of another Shadowsocks that does nothing here.
    case ignored = "C101"
    /// A password that can be guessed.
    case weakPassword = "C102"
    /// A file with a secret that others can read.
    case exposedFile = "C103"
    /// A key of ours that this version checks but does not act on.
    case notActedOn = "C104"
    /// A password on the command line.
    case visiblePassword = "C105"
    /// A proxy that strangers can use.
    case openProxy = "C106"
    /// A value that is allowed and hardly meant.
    case doubtful = "C107"

    package var severity: Severity { rawValue.hasPrefix("C1") ? .warning : .error }
}
