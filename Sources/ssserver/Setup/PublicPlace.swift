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
            Report.done("\(found.address) is this machine's own public address, so the link names it")
        case .overIPv6:
            Report.notDone(
                "\(found.address) is this machine's only public address: laptops without IPv6 do not reach it",
                help: "if your provider shows an IPv4 address for it:  \(command)")
        case .privateNetwork:
            Report.notDone(
                "\(found.address) is a private address: this machine is behind NAT, so the link works in its own network only",
                help: "your provider's console shows the public one; print the link with it:  \(command)")
        case .nowhere:
            Report.notDone(
                "this machine is on no network, so the link works on this machine only",
                help: "print it anew when it has an address:  \(command)")
        }
        return HostPort(.ip(found.address))
    }
}
