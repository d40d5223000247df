// What `nft list ruleset` prints with firewalld 1.3 on and 21001/tcp added. Most chains that are not for what comes in
// are left out.

enum FirewalldListing {
    static let nftables = """
        table inet firewalld {
        	chain filter_INPUT {
        		type filter hook input priority filter + 10; policy accept;
        		ct state { established, related } accept
        		ct status dnat accept
        		iifname "lo" accept
        		ct state invalid drop
        		jump filter_INPUT_ZONES
        		reject with icmpx admin-prohibited
        	}

        	chain filter_FORWARD {
        		type filter hook forward priority filter + 10; policy accept;
        		ct state { established, related } accept
        		ct status dnat accept
        		iifname "lo" accept
        		ct state invalid drop
        		jump filter_FORWARD_ZONES
        		reject with icmpx admin-prohibited
        	}

        	chain filter_INPUT_POLICIES_pre {
        		jump filter_IN_policy_allow-host-ipv6
        	}

        	chain filter_INPUT_ZONES {
        		goto filter_IN_public
        	}

        	chain filter_INPUT_POLICIES_post {
        	}

        	chain filter_IN_public {
        		jump filter_INPUT_POLICIES_pre
        		jump filter_IN_public_pre
        		jump filter_IN_public_log
        		jump filter_IN_public_deny
        		jump filter_IN_public_allow
        		jump filter_IN_public_post
        		jump filter_INPUT_POLICIES_post
        		meta l4proto { icmp, ipv6-icmp } accept
        		reject with icmpx admin-prohibited
        	}

        	chain filter_IN_public_pre {
        	}

        	chain filter_IN_public_log {
        	}

        	chain filter_IN_public_deny {
        	}

        	chain filter_IN_public_allow {
        		tcp dport 22 accept
        		ip6 daddr fe80::/64 udp dport 546 accept
        		tcp dport 21001 accept
        	}

        	chain filter_IN_public_post {
        	}

        	chain filter_IN_policy_allow-host-ipv6 {
        		jump filter_IN_policy_allow-host-ipv6_pre
        		jump filter_IN_policy_allow-host-ipv6_log
        		jump filter_IN_policy_allow-host-ipv6_deny
        		jump filter_IN_policy_allow-host-ipv6_allow
        		jump filter_IN_policy_allow-host-ipv6_post
        	}

        	chain filter_IN_policy_allow-host-ipv6_pre {
        	}

        	chain filter_IN_policy_allow-host-ipv6_log {
        	}

        	chain filter_IN_policy_allow-host-ipv6_deny {
        	}

        	chain filter_IN_policy_allow-host-ipv6_allow {
        		icmpv6 type nd-neighbor-advert accept
        		icmpv6 type nd-neighbor-solicit accept
        		icmpv6 type nd-router-advert accept
        		icmpv6 type nd-redirect accept
        	}

        	chain filter_IN_policy_allow-host-ipv6_post {
        	}
        }

        """
}
