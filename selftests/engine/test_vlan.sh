#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# VLANs and QinQ: a guest behind a bridge that knows VLANs, on a port that is a trunk or not.
#
# Each VLAN has its own ends, all with the same addresses, so that nothing but the tags tells their
# connections apart:
#
#   peer  [u1 10.0.0.1] ------------ [u0  br0  port0] ------------ [eth0 10.0.0.2]  vm
#   peer5 [u1.5 10.0.0.1]      802.1q, 5                       [eth0.5 10.0.0.2]  vm5
#   peer6 [u1.6 10.0.0.1]      802.1q, 6                       [eth0.6 10.0.0.2]  vm6
#   peerq [q.5 10.0.0.1]       802.1ad, 7, and in it 802.1q, 5    [q.5 10.0.0.2]  vmq
#
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

readonly VLANS='5 6 q'
readonly PASS=('default in pass' 'default out pass')

# A netdev of one end goes to a namespace of its own: FROM NETDEV TO LAST_PART_OF_THE_ADDRESS
end_begin() {
	ip netns add "$3"
	silence "$3"
	ip -n "$1" link set "$2" netns "$3"
	lab_bench_end "$3" "$2" "$4"
}

# NAMESPACE NETDEV LAST_PART_OF_THE_ADDRESS: all VLANs of one end.
vlans_begin() {
	local id
	for id in 5 6; do
		ip -n "$1" link add link "$2" name "$2.$id" type vlan id "$id"
		end_begin "$1" "$2.$id" "$1$id" "$3"
	done
	ip -n "$1" link add link "$2" name q type vlan protocol 802.1ad id 7
	ip -n "$1" link set q up
	ip -n "$1" link add link q name q.5 mtu 1496 type vlan id 5
	end_begin "$1" q.5 "$1q" "$3"
}

# The bridge tells VLANs apart; to it, what is of 802.1ad is untagged.
bridge_begin() {
	ip link set br0 type bridge vlan_filtering 1
	for dev in port0 u0; do
		bridge vlan add dev "$dev" vid 5-6
	done
}

# vlan show as the filter of flows for a VLAN, or none.
filter_of() {
	case $1 in
	'') echo vlan 0 ;;
	q) echo vlan 7 vlan-type 802.1ad vlan-inner 5 ;;
	*) echo vlan "$1" vlan-type 802.1q vlan-inner 0 ;;
	esac
}

# pings VLAN [6]: from the peer, with whatever address resolution that takes.
pings() {
	local address=10.0.0.2
	[ -z "${2:-}" ] || address=fd00::2
	ip -n "peer$1" neigh flush all
	ip -n "vm$1" neigh flush all
	on "peer$1" ping -c 1 -W 2 "$address"
}

# Drops have risen in a direction since a file was written.
risen() {
	drops_since "$1" | grep -q "^vlan $2 "
}

test_access() {
	policy "${PASS[@]}"
	check 'without tags, on a port that is no trunk' pings ''
	for vlan in $VLANS; do
		drops > "$tmp/before"
		check_not "VLAN $vlan to a port that is no trunk" pings "$vlan"
		check "VLAN $vlan is counted on the way to the VM" risen "$tmp/before" in
		drops > "$tmp/before"
		check_not "VLAN $vlan from a port that is no trunk" \
			on "vm$vlan" ping -c 1 -W 1 10.0.0.1
		check "VLAN $vlan is counted on the way from the VM" risen "$tmp/before" out
	done
	check_same 'and there is no flow in a VLAN' "$(vfw-nl flow show "$VM" | grep -c vlan)" 0
}

test_neighbours() {
	drops > "$tmp/before"
	for vlan in '' $VLANS; do
		check "ARP and ping in VLAN ${vlan:-none}" pings "$vlan"
		check "neighbour discovery and ping in VLAN ${vlan:-none}" pings "$vlan" 6
	done
	check_same 'nothing was dropped' "$(drops_since "$tmp/before")" ''
	check_same 'each has its flows' "$(vfw-nl flow show "$VM" vlan 6 | grep -c ' vlan 6 ')" 2
}

# The same ends in all VLANs at once, each a connection of its own.
connections_begin() {
	for vlan in '' $VLANS; do
		ip netns exec "vm$vlan" socat TCP6-LISTEN:7000,fork,reuseaddr,ipv6only=0 \
			SYSTEM:cat > /dev/null 2>&1 &
		wait_for 10 listens "vm$vlan" 7000
		talk_begin "four$vlan" ip netns exec "peer$vlan" socat -t 1 - \
			TCP4:10.0.0.2:7000,bind=10.0.0.1:40000,reuseaddr
		talk_begin "six$vlan" ip netns exec "peer$vlan" socat -t 1 - \
			'TCP6:[fd00::2]:7000,bind=[fd00::1]:40000,reuseaddr'
	done
}

test_connections() {
	local filter n=0
	connections_begin
	for vlan in '' $VLANS; do
		# So many lines that no two flows count the same.
		n=$((n + 3))
		for ((i = 0; i < n; i++)); do
			talk "four$vlan" "VLAN ${vlan:-none}, line $i" || break
		done
		check_same "IPv4 in VLAN ${vlan:-none}" "$i" "$n"
		check "IPv6 in VLAN ${vlan:-none}" talk "six$vlan" "hello of ${vlan:-none}"
	done
	check_same 'as many flows of the same ends as there are VLANs' "$(vfw-nl -n flow show "$VM" \
		local 10.0.0.2 remote 10.0.0.1 local-port 7000 remote-port 40000 | grep -c .)" 4
	n=0
	for vlan in '' $VLANS; do
		n=$((n + 3))
		filter=$(filter_of "$vlan")
		# Three segments open it; then one each line, and one more at most that acknowledges.
		# shellcheck disable=SC2086 # words
		check "packets in VLAN ${vlan:-none} are counted by their own flow" between $((n + 2)) \
			"$(flow_field in-packets family ipv4 local-port 7000 $filter)" $((2 * n + 3))
	done
	check_same 'a flow in two VLANs' "$(vfw-nl -n flow show "$VM" family ipv4 local-port 7000 \
		vlan-inner 5 | sed 's/ expires .*//')" \
		'6 10.0.0.2:7000 <- 10.0.0.1:40000 vlan 7 vlan-type 0x88a8 vlan-inner 5 tcp-established'
}

# Lengths and packets come from the IP headers, however the frames are cut on their way.
test_throughput() {
	local bytes packets received sent filter
	for vlan in '' 5 q; do
		filter=$(filter_of "$vlan")
		ip netns exec "peer$vlan" iperf3 -s -1 > /dev/null 2>&1 &
		wait_for 10 listens "peer$vlan" 5201
		on "vm$vlan" iperf3 -c 10.0.0.1 -n 30M -J > "$tmp/iperf" 2>&1
		# What it has sent and what had arrived when it stopped to count.
		read -r sent received < <(/usr/bin/python3 -c "import json
end = json.load(open('$tmp/iperf'))['end']
print(end['sum_sent']['bytes'], end['sum_received']['bytes'])")
		# The larger of the two: the other one is iperf3's own.
		# shellcheck disable=SC2086 # words
		read -r packets bytes < <(vfw-nl -j flow show "$VM" opened out remote-port 5201 $filter |
			/usr/bin/python3 -c "import json, sys
f = max(json.load(sys.stdin), key=lambda f: f['out-bytes'])
print(f['out-packets'], f['out-bytes'])")
		check "no byte is missing in VLAN ${vlan:-none}" between "$received" "$bytes" \
			$((sent + packets * 60 + sent / 20))
		check "packets are those on the wire in VLAN ${vlan:-none}" between \
			$((bytes / 1500)) "$packets" $((bytes / 1000))
	done
}

# An answer to a datagram that nobody wants finds its way back: an ICMP error of the same VLAN.
unreachable() {
	on "$1" socat -u -T 2 - "UDP:$2:9" <<< x 2>&1 | grep -q refused ||
		on "$1" /usr/bin/python3 -c "import socket
s = socket.socket(socket.AF_INET6 if ':' in '$2' else socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('$2', 9))
s.settimeout(3)
s.send(b'x')
try:
    s.recv(9)
except ConnectionRefusedError:
    raise SystemExit(0)
raise SystemExit(1)"
}

test_errors() {
	for vlan in '' $VLANS; do
		check "an ICMP error passes from VLAN ${vlan:-none}" unreachable "peer$vlan" 10.0.0.2
		check "an ICMP error passes to VLAN ${vlan:-none}" unreachable "vm$vlan" 10.0.0.1
		check "an ICMPv6 error passes from VLAN ${vlan:-none}" unreachable "peer$vlan" fd00::2
	done
}

# refused NAMESPACE ADDRESS PORT: a connection is refused at once.
refused() {
	local out
	out=$(on "$1" timeout 3 socat -u /dev/null "TCP:$2:$3" 2>&1) && return 1
	grep -q 'Connection refused' <<< "$out" || { echo "$out"; return 1; }
}

test_rejects() {
	policy 'reject in tcp local port 81' 'reject out tcp remote port 82' "${PASS[@]}"
	for vlan in '' $VLANS; do
		check "a reject reaches the peer in VLAN ${vlan:-none}" refused "peer$vlan" 10.0.0.2 81
		check "a reject reaches the VM in VLAN ${vlan:-none}" refused "vm$vlan" '[fd00::1]' 82
	done
	policy "${PASS[@]}"
}

# What does not change by being saved and restored.
flows_now() {
	vfw-nl -n -s flow show "$VM" local-port 7000 | sed -E 's/ (expires|age|epoch) [0-9]+s?//g' |
		paste -sd' ' | sed 's/ \(6 [^ ]* <-\)/\n\1/g' | sort
}

test_snapshot() {
	local before saved
	vfw-nl vm freeze "$VM"
	before=$(flows_now)
	check_same 'flows to be saved' "$(wc -l <<< "$before")" 8
	saved=$(vfw-nl snapshot save "$VM" file "$tmp/state")
	check_same 'saves all flows, and counts those in VLANs too' \
		"$(grep -o '[0-9]* flows' <<< "$saved")" "$(vfw-nl flow show "$VM" | grep -c .) flows"
	check 'the snapshot has flows in VLANs' grep -q ' vlan 7 vlan-type 802.1ad vlan-inner 5 ' \
		<(vfw-nl snapshot info "$tmp/state")
	check 'and says that the port is a trunk' grep -q '^port port0 type host trunk$' \
		<(vfw-nl snapshot info "$tmp/state")
	ip link set port0 down # not to be without a filter while there is no VM
	vfw-nl vm del "$VM"
	check 'restores' vfw-nl snapshot restore file "$tmp/state"
	check_same 'the same flows are there' "$(flows_now)" "$before"
	check_same 'the port is a trunk again' "$(vfw-nl port show port0)" \
		"port0 vm $VM type host trunk state present"
	ip link set port0 up
	for vlan in '' $VLANS; do
		check "IPv4 goes on in VLAN ${vlan:-none}" talk "four$vlan" 'after all'
		check "IPv6 goes on in VLAN ${vlan:-none}" talk "six$vlan" 'after all'
	done
	check_same 'and no flow was opened for it' "$(flows_now | grep -c .)" 8
}

# The trunk ends: what is tagged stops, what is not goes on.
test_no_trunk() {
	vfw-nl port set port0 access
	check_same 'a port that is no trunk any more' "$(vfw-nl port show port0)" \
		"port0 vm $VM type host state present"
	drops > "$tmp/before"
	check 'without tags all goes on' talk four 'still here'
	check_not 'in a VLAN nothing does' talk four5 'still here' 1
	check 'which is counted' risen "$tmp/before" in
	vfw-nl port set port0 trunk
	check 'until it is a trunk again' pings 5
	check_same 'the tool: either, or' "$(vfw-nl port set port0 trunk access 2>&1 |
		grep -o 'either trunk or access')" 'either trunk or access'
	check_same 'flows of a VLAN are removed by it' "$(vfw-nl flow flush "$VM" vlan 6 |
		grep -c '^[1-9]')" 1
	check_same 'and are gone' "$(vfw-nl flow show "$VM" vlan 6)" ''
	check 'but others are not' [ -n "$(vfw-nl flow show "$VM" vlan 5)" ]
}

vm_begin
/usr/bin/python3 "$ENGINE/vlan.py" "$tmp" || failed=1
vfw-nl port set port0 access
vfw-nl flow flush "$VM" > /dev/null
bridge_begin
vlans_begin vm eth0 2
vlans_begin peer u1 1
test_access
vfw-nl port set port0 trunk
test_neighbours
test_connections
test_throughput
test_errors
test_rejects
test_snapshot
test_no_trunk
tap_end
