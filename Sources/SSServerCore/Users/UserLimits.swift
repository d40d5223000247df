// What a user may use. Nil is no limit, but for streams, where the usual one holds.
package import SSCommon

package struct UserLimits: Hashable, Sendable {
    /// Bytes in a calendar month, up and down together.
    package var quota: UInt64?
    /// Bytes a second, in each direction.
    package var rate: UInt64?
    /// Streams at once.
    package var streams: Int?
    /// The first day on which the user is served no more.
    package var expires: CalendarDay?

    package init() {}

    package init(_ configured: UserConfiguration) {
        quota = configured.quota
        rate = configured.rate
        streams = configured.streams
        expires = configured.expires.flatMap { CalendarDay($0) }
    }

    /// Tells `account` of all but the day, which `refusal` knows.
    package func apply(to account: UserAccount) {
        account.setLimits(quota: quota, rate: rate, streams: streams)
    }

    package func refusal(at now: UnixSeconds) -> UserAccount.Refusal? {
        expires.map { now >= $0.start } == true ? .expired : nil
    }
}
