#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# ARP and neighbour discovery pass whatever the policy says; but not from beyond the link.
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

# forget_neighbours: nobody knows anybody.
forget_neighbours() {
	ip -n vm neigh flush dev eth0 nud all
	ip -n peer neigh flush dev u1 nud all
}

# neighbour NAMESPACE DEVICE ADDRESS LAST_PART_OF_ITS_MAC: was it resolved?
neighbour() {
	ip -n "$1" neigh show dev "$2" to "$3" | tee /dev/stderr |
		grep -qE "lladdr 02:00:00:00:00:0$4.* (REACHABLE|STALE|DELAY)"
}

# resolves NAMESPACE DEVICE ADDRESS LAST_PART_OF_ITS_MAC: ping fails, but learns the neighbour.
resolves() {
	forget_neighbours
	if on "$1" ping -c 1 -W 0.3 "$3"; then echo 'ping went through'; return 1; fi
	neighbour "$@"
}

test_resolution() { # POLICY
	check "$1: the VM resolves with ARP" resolves vm eth0 10.0.0.1 1
	check "$1: the far end resolves with ARP" resolves peer u1 10.0.0.2 2
	check "$1: the VM resolves with ND" resolves vm eth0 fd00::1 1
	check "$1: the far end resolves with ND" resolves peer u1 fd00::2 2
}

# An address is looked for before it is taken (RFC 4862, 5.4), and found to be another's.
duplicate_found() {
	ip -n peer addr add fd00::2/64 dev u1
	wait_for 10 address_is peer u1 fd00::2 dadfailed
}
address_is() { ip -n "$1" addr show dev "$2" to "$3" | grep -q "$4"; }

vm_begin
test_resolution 'no policy'
policy 'drop both' 'drop both icmpv6'
test_resolution 'a policy that drops all'
check_same 'only pings were dropped' "$(drops | grep -cE '^(no-policy|rule) (in|out) 2$')" 4
check 'the VM sees that an address is taken' duplicate_found
check 'arping has its answer' on vm arping -c 1 -w 5 -I eth0 10.0.0.1
/usr/bin/python3 "$ENGINE/neighbour.py" || failed=1
tap_end
