#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# On the lab host: both firewalls with the same rules, and the program between them.
#
#   host.sh PROGRAM MODULE ARGUMENT...
set -euo pipefail

program=$1 module=$2
shift 2
vm=5d0c1f64-8a3e-4b17-9c52-6e7f8a9b0c1d

insmod "$module"

# One bridge in a namespace of its own: rules of nftables are a namespace's, for all its bridges.
side() { # COMMAND...: in the namespace of vfw
	ip netns exec vfw "$@"
}

bridge() { # LETTER
	# iptables has no part in this.
	for switch in /proc/sys/net/bridge/bridge-nf-call-*; do
		[ ! -e "$switch" ] || echo 0 > "$switch"
	done
	ip link add "b$1" type bridge forward_delay 0 mcast_snooping 0
	for dev in "b$1" "d${1}0" "d${1}1"; do
		echo 1 > "/proc/sys/net/ipv6/conf/$dev/disable_ipv6"
		[ "$dev" = "b$1" ] || ip link set "$dev" master "b$1"
		ip link set "$dev" up
	done
	# The kernel takes notice of a link by and by.
	for dev in "d${1}0" "d${1}1"; do
		until [ "$(cat "/sys/class/net/$dev/brport/state")" = 3 ]; do sleep 0.02; done
	done
	command bridge fdb replace 02:00:00:00:00:01 dev "d${1}0" master static
	command bridge fdb replace 02:00:00:00:00:02 dev "d${1}1" master static
}

ip netns add vfw
ip link set dv0 netns vfw
ip link set dv1 netns vfw
bridge c
export -f bridge
side bash -euc 'bridge v'

# Strict: a connection begins with a SYN, and windows are checked. No timeout ends anything.
cd /proc/sys/net/netfilter
echo 1048576 > nf_conntrack_buckets
echo 2097152 > nf_conntrack_max
echo 0 > nf_conntrack_tcp_loose
echo 0 > nf_conntrack_tcp_be_liberal
echo 1 > nf_conntrack_checksum
for timeout in nf_conntrack_*timeout*; do
	[ "$timeout" = nf_conntrack_frag6_timeout ] || echo 100000 > "$timeout"
done
# Fragments have room until their time is over, in whatever order they come.
echo 1000000000 > nf_conntrack_frag6_high_thresh
echo 1000000000 > /proc/sys/net/ipv4/ipfrag_high_thresh
echo 0 > /proc/sys/net/ipv4/ipfrag_max_dist
cd /
nft -f - <<-'RULES'
	table bridge differential {
		chain forward {
			type filter hook forward priority 0; policy drop;
			ct state invalid drop
			ct state established,related accept
			iifname "dc1" ct state new accept
			iifname "dc0" ct state new tcp dport 1-29999 accept
			iifname "dc0" ct state new sctp dport 1-29999 accept
			iifname "dc0" ct state new udp dport 1-29999 accept
			iifname "dc0" ct state new meta l4proto 136 @th,16,16 1-29999 accept
			iifname "dc0" ct state new ip daddr 192.0.2.0/25 \
				icmp type echo-request accept
			iifname "dc0" ct state new ip6 daddr 2001:db8:0:2::/121 \
				icmpv6 type echo-request accept
			iifname "dc0" ct state new meta l4proto { 47, 50 } \
				ip daddr 192.0.2.0/25 accept
			iifname "dc0" ct state new meta l4proto { 47, 50 } \
				ip6 daddr 2001:db8:0:2::/121 accept
		}
	}
RULES

side vfw-nl vm add "$vm" name differential
side vfw-nl port add dv1 vm "$vm"
side vfw-nl policy load "$vm" - <<-'POLICY'
	default in drop
	default out pass
	limit flows 2097152
	limit half-open 2097152
	limit fragments 16384
	limit fragment-bytes 67108864
	timeout tcp-syn-sent 1d
	timeout tcp-syn-recv 1d
	timeout tcp-established 1d
	timeout tcp-fin-wait 1d
	timeout tcp-close-wait 1d
	timeout tcp-last-ack 1d
	timeout tcp-time-wait 1d
	timeout tcp-close 1d
	timeout udp-new 1d
	timeout udp-stream 1d
	timeout sctp-opening 1d
	timeout sctp-established 1d
	timeout sctp-closing 1d
	timeout icmp 1d
	timeout other 1d
	pass in tcp local port 1-29999
	pass in sctp local port 1-29999
	pass in udp local port 1-29999
	pass in udplite local port 1-29999
	pass in icmp type echo-request local 192.0.2.0/25
	pass in icmpv6 type echo-request local 2001:db8:0:2::/121
	pass in gre local 192.0.2.0/25
	pass in gre local 2001:db8:0:2::/121
	pass in esp local 192.0.2.0/25
	pass in esp local 2001:db8:0:2::/121
POLICY

"$program" "$@"
