// Where the VPS may be sent: the public internet, and nothing that only the VPS itself can reach. The decision
// is made on the address that is given to connect(2) or sendto(2), never on a name that somebody resolves
// again (server-side request forgery, DNS rebinding). Ranges: the IANA special-purpose registries (RFC 6890),
// denied by default; for IPv6 everything outside 2000::/3 is denied, NAT64 excepted.

package import SSCommon

/// Decides about one address and port at a time; called for every dial and every datagram.
package struct EgressPolicy: Sendable {
    /// The `allow_private` key.
    package enum PrivateAccess: Hashable, Sendable {
        /// `false`, the default.
        case none
        /// `true`: every unicast address, but for cloud metadata services.
        case all
        /// A list of ranges that are open besides the public internet.
        case ranges([IPPrefix])
    }

    package enum Verdict: Hashable, Sendable {
        case allowed
        case denied(Reason)
    }

    /// Why a target is denied.
    package enum Reason: Hashable, Sendable {
        /// Port 0 or one of `deny_ports`.
        case port
        /// This server's own listener: traffic would go round in circles.
        case ownListener
        /// An address of this machine, public ones included.
        case ownAddress
        /// A private, loopback, link-local, reserved or documentation range.
        case privateAddress
        /// A cloud provider's metadata service. Opened only by a range that is exactly this address.
        case metadata
        /// Multicast or broadcast, never opened.
        case multicast
        /// A name that means this machine or a metadata service.
        case localName
    }

    private let access: PrivateAccess
    private let denyPorts: SortedNumbers<UInt16>
    private let own: OwnEndpoints

    package init(access: PrivateAccess = .none, denyPorts: Set<UInt16> = [25], own: OwnEndpoints = OwnEndpoints()) {
        self.init(access, SortedNumbers(denyPorts), own)
    }

    private init(_ access: PrivateAccess, _ denyPorts: SortedNumbers<UInt16>, _ own: OwnEndpoints) {
        self.access = access
        self.denyPorts = denyPorts
        self.own = own
    }

    /// The same policy with a fresh look at the machine's addresses.
    package func replacing(own: OwnEndpoints) -> EgressPolicy {
        EgressPolicy(access, denyPorts, own)
    }

    package func verdict(_ address: IPAddress, _ port: UInt16) -> Verdict {
        if port == 0 || denyPorts.contains(port) { return .denied(.port) }
        switch address.folded {
        case .v4(let v4):
            return reason(v4, port).map(Verdict.denied) ?? .allowed
        case .v6(let v6):
            // What is wrapped in an IPv6 address is judged as if it were dialled: a gateway unwraps it.
            if let wrapped = v6.wrappedIPv4, let reason = reason(wrapped, port) { return .denied(reason) }
            return reason(v6, port).map(Verdict.denied) ?? .allowed
        }
    }

    /// The verdict on a name before any lookup; `allowed` means that its addresses are to be judged.
    package func verdict(_ name: DomainName) -> Verdict {
        if name.isEqualToOrBelow(SpecialNames.localhost) {
            let v4 = reason(IPv4Address(127, 0, 0, 1), 1)
            return v4 != nil && reason(IPv6Address(high: 0, low: 1), 1) != nil ? .denied(.localName) : .allowed
        }
        if SpecialNames.metadata.contains(where: { name == $0 }) {
            return reason(IPv4Address(169, 254, 169, 254), 1) != nil ? .denied(.localName) : .allowed
        }
        return .allowed
    }

    private func reason(_ address: IPv4Address, _ port: UInt16) -> Reason? {
        if own.isListener(.v4(address), port) { return .ownListener }
        let denied = SpecialRanges.reason(address) ?? (own.contains(.v4(address)) ? .ownAddress : nil)
        return denied.flatMap { isOpened(.v4(address), $0) ? nil : $0 }
    }

    private func reason(_ address: IPv6Address, _ port: UInt16) -> Reason? {
        if own.isListener(.v6(address), port) { return .ownListener }
        let denied = SpecialRanges.reason(address) ?? (own.contains(.v6(address)) ? .ownAddress : nil)
        return denied.flatMap { isOpened(.v6(address), $0) ? nil : $0 }
    }

    private func isOpened(_ address: IPAddress, _ reason: Reason) -> Bool {
        switch reason {
        case .privateAddress, .ownAddress:
            switch access {
            case .none: false
            case .all: true
            case .ranges(let ranges): ranges.contains { $0.contains(address) }
            }
        case .metadata:
            switch access {
            case .none, .all: false
            case .ranges(let ranges): ranges.contains { $0.address == address && $0.length == address.width }
            }
        case .port, .ownListener, .multicast, .localName:
            false
        }
    }
}

/// Names that are refused before they are looked up.
private enum SpecialNames {
    /// RFC 6761 6.3.
    static let localhost = DomainName("localhost")!
    static let metadata = [DomainName("metadata.google.internal")!, DomainName("metadata.goog")!]
}
