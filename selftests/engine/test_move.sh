#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Moves: a VM's state goes from one host to another, with its connections. The hosts are
# namespaces; the VM moves in that its link does.
#
#   peer [u1 10.0.0.1] ---- [net: br0] ---- [one: br0  port0] ---- [eth0 10.0.0.2] vm
#            fd00::1            |                                       fd00::2
#                               \-------- [two: br0  vnet7] - - - - - - - /
#
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

# No flow ends by itself while states are compared: the shortest timeout is longer than the test.
readonly POLICY='timeout tcp-close 1h
timeout icmp 1h
pass in tcp local port 22, 7000, 5201 comment "services"
pass out tcp remote port 5201
pass both icmp
drop in udp local port 9'

hosts_begin() {
	echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
	ip -batch - <<- EOF
		netns add one
		netns add two
		netns add net
		netns add vm
		netns add peer
		link add br0 netns one type bridge forward_delay 0 mcast_snooping 0
		link add br0 netns two type bridge forward_delay 0 mcast_snooping 0
		link add br0 netns net type bridge forward_delay 0 mcast_snooping 0
		link add net netns one type veth peer name one netns net
		link add net netns two type veth peer name two netns net
		link add u0 netns net type veth peer name u1 netns peer
		link add port0 netns one type veth peer name eth0 netns vm
	EOF
	for link in one:net one:port0 two:net net:one net:two net:u0; do
		ip -n "${link%:*}" link set "${link#*:}" master br0 up
	done
	for ns in one two net; do
		silence "$ns"
		ip -n "$ns" link set br0 up
	done
	lab_bench_end vm eth0 2 && lab_bench_end peer u1 1
	quiet_end vm eth0 1
	quiet_end peer u1 2
	wait_for 10 on peer ping -c 1 -W 1 10.0.0.2
}

one() { on one vfw-nl "$@"; }
two() { on two vfw-nl "$@"; }

# unplug FROM PORT TO NEW_PORT: the VM's link goes to another host. It does not lose what it
# has: to the VM it looks as if a cable was pulled.
unplug() {
	ip -n "$1" link set "$2" down
	ip -n "$1" link set "$2" netns "$3" name "$4"
	ip -n "$3" link set "$4" master br0 up
	ip -n vm neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev eth0
	ip -n vm neigh replace fd00::1 lladdr 02:00:00:00:00:01 dev eth0
	on vm arping -q -A -c 1 -I eth0 10.0.0.2
}

# move FROM PORT TO NEW_PORT [FILE]
move() {
	local file=${5:-$tmp/state}
	on "$3" vfw-nl vm add "$VM" hold time 60000 && on "$3" vfw-nl port add "$4" vm "$VM" &&
		on "$1" vfw-nl vm freeze "$VM" &&
		on "$1" vfw-nl snapshot save "$VM" file "$file" &&
		unplug "$1" "$2" "$3" "$4" &&
		on "$3" vfw-nl snapshot restore file "$file" port "$2=$4" &&
		on "$1" vfw-nl vm del "$VM"
}

# What does not change by a move, of all flows: sorted, without their times.
flows_of() {
	on "$1" vfw-nl -n -s flow show "$VM" "${@:2}" | sed -E 's/ expires [0-9]+s//; s/ age [0-9]+s//;
		s/ epoch [0-9]+//' | paste -sd' ' | sed 's/ \([a-z0-9]* [^ ]* [<-]\)/\n\1/g' | sort
}

# The connections that are to survive.

connections_begin() {
	ip netns exec vm socat TCP6-LISTEN:7000,fork,reuseaddr,ipv6only=0 SYSTEM:cat \
		> /dev/null 2>&1 &
	ip netns exec peer iperf3 -s > /dev/null 2>&1 &
	wait_for 10 listens vm 7000
	wait_for 10 listens peer 5201
	talk_begin ipv4 ip netns exec peer socat -t 1 - TCP:10.0.0.2:7000
	talk_begin ipv6 ip netns exec peer socat -t 1 - 'TCP:[fd00::2]:7000'
}

test_move() {
	local iperf after policy
	one vm add "$VM" name web && one port add port0 vm "$VM"
	one policy load "$VM" - <<< "$POLICY"
	policy=$(one policy show "$VM")
	connections_begin
	check 'IPv4 before' talk ipv4 before
	check 'IPv6 before' talk ipv6 before
	ip netns exec vm iperf3 -c fd00::1 -t 300 -b 20M --forceflush > "$tmp/iperf" 2>&1 &
	iperf=$!
	wait_for 10 grep -q connected "$tmp/iperf"
	one snapshot save "$VM" file "$tmp/running" > "$tmp/out" 2>&1
	check 'a VM that runs can be saved, and its snapshot says so' grep -q '"frozen":false' \
		<(vfw-nl -j snapshot info "$tmp/running")
	check 'moves' move one port0 two vnet7
	after=$(two -j stats show "$VM")
	check 'IPv4 after' talk ipv4 after
	check 'IPv6 after' talk ipv6 after
	check 'iperf3 goes on' wait_for 20 more_than "$(bytes_out "$after")" 1000000
	check 'the flows are the old ones' [ "$(two -s flow show "$VM" local-port 7000 |
		grep -cE ' in [3-9] packets')" -eq 2 ]
	check_same 'under the rule that let them in' "$(two -j flow show "$VM" local-port 7000 |
		grep -o '"rule":[0-9]*' | sort | uniq -c | xargs)" '2 rule:1'
	check_same 'the policy is the same' "$(two policy show "$VM")" "$policy"
	check_same 'the incarnation is one higher' "$(on two vfw-nl -j vm show "$VM" |
		grep -o '"incarnation":[0-9]*')" '"incarnation":1'
	check 'new connections are judged there' on peer nc -z -w 5 10.0.0.2 7000
	check_same 'the name came with it' "$(two vm show | grep -o 'name web')" 'name web'
	check_refused 'the source has forgotten it' 2 '' one vm show "$VM"
	check 'and back' move two vnet7 one port0 "$tmp/state2"
	check 'IPv4 again' talk ipv4 again
	check 'IPv6 again' talk ipv6 again
	check 'iperf3, too' wait_for 20 more_than_one "$(bytes_out "$(one -j stats show "$VM")")"
	kill "$iperf"
	wait "$iperf"
	check 'no segment of theirs was outside of its window' no_window_drops one
}
bytes_out() { grep -o '"out-bytes":[0-9]*' <<< "$1" | head -n 1 | cut -d: -f2; }
more_than() { [ "$(bytes_out "$(two -j stats show "$VM")")" -gt $(($1 + $2)) ]; }
more_than_one() { [ "$(bytes_out "$(one -j stats show "$VM")")" -gt $(($1 + 1000000)) ]; }
no_window_drops() { ! on "$1" vfw-nl stats show "$VM" | grep -E 'drop tcp-'; }

# What snapshot info tells, without what is of the moment, or goes on while the VM is frozen.
timeless() {
	vfw-nl -j -s snapshot info "$1" | sed -E 's/"(time|incarnation|expires|age|digest|crc)":"?[^,}"]*"?,?//g' |
		tr '{' '\n' | grep -v '"reason":"frozen"' | sort
}

test_roundtrip() {
	one vm freeze "$VM"
	check 'saves' one snapshot save "$VM" file "$tmp/a"
	check_same 'saves the same again' "$(timeless "$tmp/a" | md5sum)" \
		"$(one snapshot save "$VM" file "$tmp/b" > /dev/null; timeless "$tmp/b" | md5sum)"
	ip -n two link add vnet7 type dummy
	check 'restores on another host' two snapshot restore file "$tmp/a" port port0=vnet7
	two vm freeze "$VM"
	two snapshot save "$VM" file "$tmp/c" > /dev/null
	check_same 'and saves the same' "$(timeless "$tmp/c" | sed 's/vnet7/port0/')" "$(timeless "$tmp/a")"
	check_same 'but for the incarnation' "$(incarnation "$tmp/c")" $(($(incarnation "$tmp/a") + 1))
}
incarnation() { vfw-nl -j snapshot info "$1" | grep -o '"incarnation":[0-9]*' | cut -d: -f2; }

# alter FROM TO EXPRESSION: a snapshot that was tampered with, its checksums right again.
alter() { /usr/bin/python3 "$ENGINE/snapshot.py" "$@"; }

# Of what a refused restore could have changed; two commands, because each takes its time.
state_of_two() {
	printf '%s\n' "policy show $VM" 'vm show' 'port show' | on two vfw-nl -s -b -
	flows_of two
}

# unchanged TEXT: is it as it was?
unchanged() { check_same "$1: nothing is changed" "$(state_of_two)" "$before"; }

test_refusals() {
	local size file f=$tmp/a before new=(two snapshot restore file "$tmp/bad" port port0=vnet7)
	two vm thaw "$VM"
	before=$(state_of_two)
	size=$(stat -c %s "$f")
	check_refused 'replay' 2 'replayed' two snapshot restore file "$f" port port0=vnet7
	unchanged 'replay'
	alter "$f" "$tmp/new" 'incarnation += 10'
	for cut in 10 100 $((size / 2)) $((size - 1)) $((size - 56)); do
		head -c "$cut" "$tmp/new" > "$tmp/bad"
		check_refused "cut after $cut bytes" 1 'ends|short|truncated' "${new[@]}"
	done
	unchanged 'cut'
	for at in 5 30 200 $((size / 2)) $((size - 3)); do
		{ head -c "$at" "$tmp/new"; printf '\xa5'; tail -c +$((at + 2)) "$tmp/new"; } > "$tmp/bad"
		check_refused "another byte at $at" '1' 'frame [0-9]+' "${new[@]}"
	done
	unchanged 'another byte'
	check_refused 'half, by a pipe' 1 '' pipe_to_two "$((size / 2))" "$tmp/new"
	unchanged 'half, by a pipe'
	alter "$f" "$tmp/bad" 'version += 1'
	check_refused 'a version from the future' 1 'version 3' "${new[@]}"
	alter "$f" "$tmp/bad" 'incarnation += 10; uuid = bytes(range(16))'
	check_refused 'another VM' 1 'is of VM 00010203' two snapshot restore "$VM" file "$tmp/bad" \
		port port0=vnet7
	check_refused 'a port that is not in it' 1 'no port eth9' \
		two snapshot restore file "$tmp/new" port eth9=vnet7
	echo 'no snapshot' > "$tmp/bad"
	check_refused 'no snapshot' 1 'frame 0|snapshot' "${new[@]}"
	: > "$tmp/bad"
	check_refused 'nothing' 1 '' "${new[@]}"
	unchanged 'the wrong file'
	check 'the whole is still good' two snapshot restore file "$tmp/new" port port0=vnet7
	two vm del "$VM"
	check_refused 'half, on a host without the VM' 1 'ends|short|truncated' \
		pipe_until_declared "$((size / 2))" "$tmp/new"
	check 'which the VM was declared for' [ -e "$tmp/declared" ]
	check_same 'leaves nothing behind' "$(two vm show; two port show)" ''
	# The tool leaves it to the kernel what records mean: this is no default for packets.
	alter "$f" "$tmp/bad" 'incarnation += 10; part(4)[1] = 9'
	check_refused 'what only the kernel refuses, there' 2 'frame 3' "${new[@]}"
	check_same 'leaves nothing behind either' "$(two vm show; two port show)" ''
	check 'a snapshot can come by a pipe' eval 'two snapshot restore file - < "$tmp/new"'
	check_same 'with its ports' "$(two port show | cut -d' ' -f1)" port0
	two vm del "$VM"
	ip -n two link del vnet7
}
pipe_to_two() { head -c "$1" "$2" | two snapshot restore file - port port0=vnet7; }

# The end of the stream comes when the VM is there.
pipe_until_declared() {
	{ head -c "$1" "$2" && wait_for 10 two port show vnet7 && : > "$tmp/declared"; } |
		two snapshot restore file - port port0=vnet7
}

test_freeze() {
	local flows
	flows=$(flows_of one)
	check_not 'a frozen VM sends nothing' on vm ping -c 1 -W 0.3 10.0.0.1
	check_not 'and receives nothing' on peer ping -c 1 -W 0.3 10.0.0.2
	check 'both are counted as frozen' [ "$(on one vfw-nl stats show "$VM" |
		grep -c 'drop frozen .* in [1-9][0-9]* out [1-9]')" -eq 1 ]
	check_same 'its flows stay as they are' "$(flows_of one)" "$flows"
	check_refused 'and cannot be flushed' 2 'frozen' one flow flush "$VM"
	check 'thaws' one vm thaw "$VM"
	check 'and goes on with its connections' talk ipv4 thawed
	check 'and with IPv6' talk ipv6 thawed
}

hosts_begin
test_move
test_roundtrip
test_refusals
test_freeze
for ns in one two net vm peer; do ip netns del "$ns"; done
check 'hosts that go take their VMs with them' wait_for 10 grep -q '^vfw [0-9]* 0 ' /proc/modules
echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6
vm_begin
/usr/bin/python3 "$ENGINE/hold.py" "$tmp" || failed=1
tap_end
