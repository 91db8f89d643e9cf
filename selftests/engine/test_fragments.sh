#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Fragments: programs that send more than fits into a packet, networks that reorder, and floods.
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

readonly GUEST_MAC=02:00:00:00:00:09

# pings NAMESPACE ADDRESS SIZE NUMBER: are all of them answered?
pings() {
	on "$1" ping -c "$4" -i 0.02 -W 10 -s "$3" "$2" | tee "$tmp/ping" | tail -n 3
	grep -q " $4 received" "$tmp/ping"
}

# Of each ping's request and answer, the fragments: of 1480 bytes, of 1448 with IPv6.
test_pings() {
	policy 'pass both icmp' 'pass both icmpv6'
	for size in 1473 8000 60000 65000; do
		check "ping from the VM, $size bytes" pings vm 10.0.0.1 "$size" 5
		check "ping to the VM, $size bytes" pings peer 10.0.0.2 "$size" 5
		check "ping from the VM, IPv6, $size bytes" pings vm fd00::1 "$size" 5
		check "ping to the VM, IPv6, $size bytes" pings peer fd00::2 "$size" 5
	done
	check_same 'nothing was dropped' "$(drops)" ''
	vfw-nl flow flush "$VM" > /dev/null
	pings vm 10.0.0.1 8000 5 > /dev/null
	check_same 'each fragment is counted in the flow' "$(flow_field in-packets protocol icmp) $(
		flow_field out-bytes protocol icmp)" "30 $((5 * (8008 + 6 * 20)))"
	policy 'pass out icmp'
	check 'and the other direction is closed' dropped default in \
		on peer ping -c 1 -W 1 -s 8000 10.0.0.2
}

iperf() {
	on "$1" iperf3 -J -u -b 20M -c "$2" -n 4M "${@:3}" > "$tmp/iperf" || return
	awk '/"lost_percent"/ {lost = $2 + 0} END {print lost "% lost"; exit lost > 20}' "$tmp/iperf"
}

test_iperf() {
	local pids=()
	for ns in vm peer; do
		ip netns exec "$ns" iperf3 -s > /dev/null 2>&1 & pids+=($!)
		wait_for 10 listens "$ns" 5201
	done
	policy 'pass both tcp' 'pass both udp'
	drops > "$tmp/before"
	check 'iperf3, UDP of 20,000 bytes from the VM' iperf vm 10.0.0.1 -l 20000
	check 'iperf3, UDP of 65,000 bytes to the VM, IPv6' iperf peer fd00::2 -l 65000
	check 'iperf3, UDP of 20,000 bytes to the VM in reverse' iperf vm 10.0.0.1 -l 20000 -R
	check_same 'nothing was dropped' "$(drops_since "$tmp/before")" ''
	kill "${pids[@]}"
	wait
}

# Some fragments overtake others, now and then the first one.
test_reorder() {
	policy 'pass both icmp' 'pass both icmpv6'
	drops > "$tmp/before"
	on peer tc qdisc add dev u1 root netem delay 3ms reorder 30%
	on vm tc qdisc add dev eth0 root netem delay 3ms reorder 30%
	for size in 3000 20000 60000; do
		check "ping from the VM, $size bytes, reordered" pings vm 10.0.0.1 "$size" 30
		check "ping to the VM, IPv6, $size bytes, reordered" pings peer fd00::2 "$size" 30
	done
	on peer tc qdisc replace dev u1 root netem delay 1ms duplicate 30%
	check_same 'nothing was dropped' "$(drops_since "$tmp/before")" ''
	check 'ping to the VM, fragments duplicated' pings peer 10.0.0.2 20000 20
	check_same 'and only duplicates were dropped' \
		"$(drops_since "$tmp/before" | grep -v '^fragment-overlap in \|^icmp')" ''
	on peer tc qdisc del dev u1 root
	on vm tc qdisc del dev eth0 root
}

# A second VM gets nothing but lone fragments; the first one has not to know. Then it gets them
# itself.
test_flood() {
	policy 'pass both icmp' 'pass both icmpv6'
	ip link add portb type veth peer name ethb netns vm
	ip -n vm link set ethb address "$GUEST_MAC" up
	ip link set portb master br0 up
	bridge fdb replace "$GUEST_MAC" dev portb master static
	vfw-nl vm add "$VM_B" name flooded
	vfw-nl port add portb vm "$VM_B"
	echo 'pass both udp' | vfw-nl policy load "$VM_B" -
	# Of what was duplicated before, the last still waits: its datagram had passed by then.
	vfw-nl vm freeze "$VM" && vfw-nl vm thaw "$VM"
	drops > "$tmp/before"
	/usr/bin/python3 "$ENGINE/fragments.py" flood "$GUEST_MAC" &
	local flood=$!
	check 'a VM gets lone fragments, and drops the oldest' wait_for 20 flooded "$VM_B"
	check 'ping to a VM beside the flooded one, 60,000 bytes' pings peer 10.0.0.2 60000 50
	check 'and from it, IPv6' pings vm fd00::1 60000 50
	check_same 'nothing of it was dropped' "$(drops_since "$tmp/before")" ''
	kill "$flood"
	wait "$flood" 2> /dev/null
	/usr/bin/python3 "$ENGINE/fragments.py" flood 02:00:00:00:00:02 &
	flood=$!
	check 'then the other one' wait_for 20 flooded "$VM"
	check 'ping from a VM that is flooded, 60,000 bytes' pings vm 10.0.0.1 60000 50
	check 'and to it, IPv6' pings peer fd00::2 60000 50
	kill "$flood"
	wait "$flood" 2> /dev/null
	check 'a VM is deleted with all that waits' vfw-nl vm del "$VM_B"
	ip link del portb
}

flooded() { [ "$(drops "$1" | awk '$1 == "fragment-limit" {n += $3} END {print n + 0}')" -gt 500 ]; }

vm_begin
test_pings
test_iperf
test_reorder
test_flood
/usr/bin/python3 "$ENGINE/fragments.py" || failed=1
tap_end
