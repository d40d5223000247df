// What the machine can say about where it is reached, and what it cannot.
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

enum PublicPlace {
    /// Who asks: the words for "say it yourself" differ.
    enum Occasion {
        /// `init`, after which this command prints the link again.
        case initialization(String)
        /// `share`.
        case sharing
    }

    /// The best address of this machine, with a word about how good that is.
    static func found(for occasion: Occasion) -> HostPort {
        let found = PublicAddress(outward: OutwardAddress.current(), own: OwnAddresses.current())
        let command =
            switch occasion {
            case .initialization(let share): "\(share) --qr --host ADDRESS"
            case .sharing: "--host ADDRESS"
            }
        switch found.reach {
        case .everywhere:
            Report.done("the link names \(found.address), this machine's own public address")
        case .overIPv6:
            Report.notDone(
                "the link names \(found.address): laptops without IPv6 cannot reach that",
                help: "if your provider shows an IPv4 address, print the link with it:\n    \(command)")
        case .privateNetwork:
            Report.notDone(
                "the link names \(found.address), a private address: laptops elsewhere cannot reach that",
                help: "your provider shows the public address; print the link with it:\n    \(command)")
        case .nowhere:
            Report.notDone(
                "this machine is on no network, so the link works on this machine only",
                help: "print it again when it has an address:\n    \(command)")
        }
        return HostPort(.ip(found.address))
    }
}
