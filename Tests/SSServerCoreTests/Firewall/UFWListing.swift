// What `iptables -S` and `ip6tables -S` print with ufw 0.36 on, ports 22/tcp and 21001 allowed. The chains for what is
// forwarded and what goes out are left out.

enum UFWListing {
    static let iptables = """
        -P INPUT DROP
        -P FORWARD DROP
        -P OUTPUT ACCEPT
        -N ufw-after-input
        -N ufw-after-logging-input
        -N ufw-before-input
        -N ufw-before-logging-input
        -N ufw-logging-allow
        -N ufw-logging-deny
        -N ufw-not-local
        -N ufw-reject-input
        -N ufw-skip-to-policy-input
        -N ufw-track-input
        -N ufw-user-input
        -N ufw-user-limit
        -N ufw-user-limit-accept
        -N ufw-user-logging-input
        -A INPUT -j ufw-before-logging-input
        -A INPUT -j ufw-before-input
        -A INPUT -j ufw-after-input
        -A INPUT -j ufw-after-logging-input
        -A INPUT -j ufw-reject-input
        -A INPUT -j ufw-track-input
        -A ufw-after-input -p udp -m udp --dport 137 -j ufw-skip-to-policy-input
        -A ufw-after-input -p udp -m udp --dport 138 -j ufw-skip-to-policy-input
        -A ufw-after-input -p tcp -m tcp --dport 139 -j ufw-skip-to-policy-input
        -A ufw-after-input -p tcp -m tcp --dport 445 -j ufw-skip-to-policy-input
        -A ufw-after-input -p udp -m udp --dport 67 -j ufw-skip-to-policy-input
        -A ufw-after-input -p udp -m udp --dport 68 -j ufw-skip-to-policy-input
        -A ufw-after-input -m addrtype --dst-type BROADCAST -j ufw-skip-to-policy-input
        -A ufw-after-logging-input -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
        -A ufw-before-input -i lo -j ACCEPT
        -A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny
        -A ufw-before-input -m conntrack --ctstate INVALID -j DROP
        -A ufw-before-input -p icmp -m icmp --icmp-type 3 -j ACCEPT
        -A ufw-before-input -p icmp -m icmp --icmp-type 11 -j ACCEPT
        -A ufw-before-input -p icmp -m icmp --icmp-type 12 -j ACCEPT
        -A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT
        -A ufw-before-input -p udp -m udp --sport 67 --dport 68 -j ACCEPT
        -A ufw-before-input -j ufw-not-local
        -A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT
        -A ufw-before-input -d 239.255.255.250/32 -p udp -m udp --dport 1900 -j ACCEPT
        -A ufw-before-input -j ufw-user-input
        -A ufw-logging-allow -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW ALLOW] "
        -A ufw-logging-deny -m conntrack --ctstate INVALID -m limit --limit 3/min --limit-burst 10 -j RETURN
        -A ufw-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
        -A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
        -A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN
        -A ufw-not-local -m addrtype --dst-type BROADCAST -j RETURN
        -A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny
        -A ufw-not-local -j DROP
        -A ufw-skip-to-policy-input -j DROP
        -A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT
        -A ufw-user-input -p tcp -m tcp --dport 21001 -j ACCEPT
        -A ufw-user-input -p udp -m udp --dport 21001 -j ACCEPT
        -A ufw-user-limit -m limit --limit 3/min -j LOG --log-prefix "[UFW LIMIT BLOCK] "
        -A ufw-user-limit -j REJECT --reject-with icmp-port-unreachable
        -A ufw-user-limit-accept -j ACCEPT

        """

    static let ip6tables = """
        -P INPUT DROP
        -P FORWARD DROP
        -P OUTPUT ACCEPT
        -N ufw6-after-input
        -N ufw6-after-logging-input
        -N ufw6-before-input
        -N ufw6-before-logging-input
        -N ufw6-logging-allow
        -N ufw6-logging-deny
        -N ufw6-reject-input
        -N ufw6-skip-to-policy-input
        -N ufw6-track-input
        -N ufw6-user-input
        -N ufw6-user-limit
        -N ufw6-user-limit-accept
        -N ufw6-user-logging-input
        -A INPUT -j ufw6-before-logging-input
        -A INPUT -j ufw6-before-input
        -A INPUT -j ufw6-after-input
        -A INPUT -j ufw6-after-logging-input
        -A INPUT -j ufw6-reject-input
        -A INPUT -j ufw6-track-input
        -A ufw6-after-input -p udp -m udp --dport 137 -j ufw6-skip-to-policy-input
        -A ufw6-after-input -p udp -m udp --dport 138 -j ufw6-skip-to-policy-input
        -A ufw6-after-input -p tcp -m tcp --dport 139 -j ufw6-skip-to-policy-input
        -A ufw6-after-input -p tcp -m tcp --dport 445 -j ufw6-skip-to-policy-input
        -A ufw6-after-input -p udp -m udp --dport 546 -j ufw6-skip-to-policy-input
        -A ufw6-after-input -p udp -m udp --dport 547 -j ufw6-skip-to-policy-input
        -A ufw6-after-logging-input -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
        -A ufw6-before-input -i lo -j ACCEPT
        -A ufw6-before-input -m rt --rt-type 0 -j DROP
        -A ufw6-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 129 -j ACCEPT
        -A ufw6-before-input -m conntrack --ctstate INVALID -j ufw6-logging-deny
        -A ufw6-before-input -m conntrack --ctstate INVALID -j DROP
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 1 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 2 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 3 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 4 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 133 -m hl --hl-eq 255 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 134 -m hl --hl-eq 255 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 135 -m hl --hl-eq 255 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 136 -m hl --hl-eq 255 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 141 -m hl --hl-eq 255 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 142 -m hl --hl-eq 255 -j ACCEPT
        -A ufw6-before-input -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 130 -j ACCEPT
        -A ufw6-before-input -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 131 -j ACCEPT
        -A ufw6-before-input -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 132 -j ACCEPT
        -A ufw6-before-input -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 143 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 148 -m hl --hl-eq 255 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 149 -m hl --hl-eq 255 -j ACCEPT
        -A ufw6-before-input -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 151 -m hl --hl-eq 1 -j ACCEPT
        -A ufw6-before-input -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 152 -m hl --hl-eq 1 -j ACCEPT
        -A ufw6-before-input -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 153 -m hl --hl-eq 1 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 144 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 145 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 146 -j ACCEPT
        -A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 147 -j ACCEPT
        -A ufw6-before-input -s fe80::/10 -d fe80::/10 -p udp -m udp --sport 547 --dport 546 -j ACCEPT
        -A ufw6-before-input -d ff02::fb/128 -p udp -m udp --dport 5353 -j ACCEPT
        -A ufw6-before-input -d ff02::f/128 -p udp -m udp --dport 1900 -j ACCEPT
        -A ufw6-before-input -j ufw6-user-input
        -A ufw6-logging-allow -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW ALLOW] "
        -A ufw6-logging-deny -m conntrack --ctstate INVALID -m limit --limit 3/min --limit-burst 10 -j RETURN
        -A ufw6-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
        -A ufw6-skip-to-policy-input -j DROP
        -A ufw6-user-input -p tcp -m tcp --dport 22 -j ACCEPT
        -A ufw6-user-input -p tcp -m tcp --dport 21001 -j ACCEPT
        -A ufw6-user-input -p udp -m udp --dport 21001 -j ACCEPT
        -A ufw6-user-limit -m limit --limit 3/min -j LOG --log-prefix "[UFW LIMIT BLOCK] "

        """

    /// Without what `ufw allow 21001` added.
    static func shut(_ listing: String) -> String { lines(listing) { !$0.contains("21001") } }

    static func lines(_ listing: String, _ isKept: (Substring) -> Bool) -> String {
        listing.split(separator: "\n").filter(isKept).joined(separator: "\n")
    }
}
