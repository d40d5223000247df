// How a failed dial is counted.
package import SSCommon

extension DialError {
    package var status: ConnectionStatus {
        switch self {
        case .nameNotFound: .resolve
        case .refused: .connect
        case .unreachable: .connect
        case .timedOut: .timeout
        case .notAllowed: .denied
        case .exhausted: .limit
        case .failed: .connect
        }
    }
}
