#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Ports: netdevs that come, go and change their names; kinds of netdevs; VMs side by side.
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

ping_fails() { ! on "$1" ping -c 1 -W "${3:-0.3}" "$2"; }
pings() { on "$1" ping -c 1 -W 5 "$2"; }

port_is() { vfw-nl port show "$1" | grep -q "vm $VM .*state $2"; }

# make_port NAME: the VM's link, as lab_bench makes it.
make_port() {
	ip link add "$1" type veth peer name eth0 netns vm &&
		ip link set "$1" master br0 && lab_bench_end vm eth0 2 && ip link set "$1" up &&
		quiet_end vm eth0 1
}

# From outside only SSH, so that a ping to the VM tells whether it is filtered.
closed() { policy 'pass out' 'pass in tcp local port 22'; }

test_rename() {
	closed
	check 'the port is filtered' ping_fails peer 10.0.0.2
	ip link set port0 down
	ip link set port0 name port1
	ip link set port1 up
	check 'renamed, it is still' ping_fails peer 10.0.0.2
	check 'under its new name' port_is port1 present
	check_refused 'the former is no port any more' 2 'port' vfw-nl port show port0
	check 'what the VM sends goes out' pings vm 10.0.0.1
	ip link set port1 down
	ip link set port1 name port0
	ip link set port0 up
	check 'and back again' ping_fails peer 10.0.0.2
}

test_disappear() {
	ip link del port0
	check 'a netdev that goes leaves its port' port_is port0 absent
	make_port port0
	check 'and is filtered when it comes again' ping_fails peer 10.0.0.2
	check 'the port has it' port_is port0 present
	ip link set port0 nomaster
	ip link set port0 name other0
	check 'renamed, the port goes with it' port_is other0 present
	vfw-nl port set other0 name port0
	ip link set other0 master br0
	ip link set other0 up
	check 'a port that is given another name lets go of the netdev' pings peer 10.0.0.2
	ip link set other0 down
	ip link set other0 name port0
	ip link set port0 up
	check 'a netdev that takes a port'\''s name is filtered' ping_fails peer 10.0.0.2
}

test_namespace_moves() {
	ip netns add away
	ip link set port0 netns away
	check 'a netdev that moves away leaves its port' port_is port0 absent
	ip -n away link set port0 netns 1
	ip link set port0 master br0 && ip link set port0 up
	wait_for 5 port_is port0 present
	check 'and is filtered when it comes back' ping_fails peer 10.0.0.2
	ip netns del away
}

test_deletion() {
	vfw-nl port del port0
	check 'a netdev whose port is deleted is not filtered' pings peer 10.0.0.2
	vfw-nl port add port0 vm "$VM"
	check 'and filtered when it is declared again' ping_fails peer 10.0.0.2
	vfw-nl vm del "$VM"
	check 'nor is one whose VM is deleted' pings peer 10.0.0.2
	vfw-nl vm add "$VM" && vfw-nl port add port0 vm "$VM"
}

#   peer ---- [u0  br0  port0] ---- vm        VM    (web)
#                   |   portb] ---- vmb       VM_B
test_two_vms() {
	ip netns add vmb
	silence vmb
	ip link add portb type veth peer name eth0 netns vmb
	ip link set portb master br0
	ip link set portb up
	lab_bench_end vmb eth0 3
	vfw-nl vm add "$VM_B" && vfw-nl port add portb vm "$VM_B"
	policy 'pass both icmp'
	vfw-nl policy load "$VM_B" - <<< 'pass both icmp'
	check 'two VMs on one bridge reach each other' pings vm 10.0.0.3
	check_same 'with a flow at either' "$(vfw-nl flow show "$VM" | cut -d' ' -f-5)
$(vfw-nl flow show "$VM_B" | cut -d' ' -f-5)" "icmp 10.0.0.2 -> 10.0.0.3 id
icmp 10.0.0.3 <- 10.0.0.2 id"
	vfw-nl policy load "$VM_B" - <<< 'pass out icmp'
	drops > "$tmp/before"
	check 'the receiver'\''s policy decides' ping_fails vm 10.0.0.3
	check_same 'where it is counted' "$(drops "$VM_B") $(drops_since "$tmp/before")" \
		'default in 1 '
	check 'and each VM has its own' pings vmb 10.0.0.2
	vfw-nl policy load "$VM" - <<< 'pass out icmp'
	check 'the other one'\''s as well' ping_fails vmb 10.0.0.2
	check_same 'where it is counted, too' "$(drops "$VM_B") $(drops_since "$tmp/before")" \
		'default in 1 default in 1'
	vfw-nl vm del "$VM_B"
	ip netns del vmb
}

# Another host, with a VM of the same UUID and the same names of netdevs.
#
#   host2: [port0 10.1.0.1] ---- [eth0 10.1.0.2] vm2
test_two_hosts() {
	ip netns add host2
	ip netns add vm2
	ip -n host2 link add port0 type veth peer name eth0 netns vm2
	ip -n vm2 addr add 10.1.0.2/24 dev eth0 && ip -n vm2 link set eth0 up
	ip -n host2 addr add 10.1.0.1/24 dev port0 && ip -n host2 link set port0 up
	policy 'pass in icmp'
	drops > "$tmp/before"
	check 'a VM of the same UUID on another host' on host2 vfw-nl vm add "$VM" name web
	on host2 vfw-nl port add port0 vm "$VM"
	check 'has a policy of its own' ping_fails host2 10.1.0.2
	check 'as has ours' pings peer 10.0.0.2
	check_same 'and counters of its own' "$(on host2 vfw-nl stats show "$VM" |
		grep -c 'drop no-policy') $(drops_since "$tmp/before")" '1 '
	check_same 'neither sees the other' "$(vfw-nl vm show | grep -c .)" 1
	check 'the module counts both' [ "$(references)" -eq 2 ]
	ip netns del host2
	check 'a host that goes takes its VMs with it' wait_for 10 only_one_vm
	check 'ours stays' port_is port0 present
	ip netns del vm2
}
references() { awk '$1 == "vfw" {print $3}' /proc/modules; }
only_one_vm() { [ "$(references)" -eq 1 ]; }

vm_begin
test_rename
test_disappear
test_namespace_moves
test_deletion
test_two_vms
test_two_hosts
/usr/bin/python3 "$ENGINE/ports.py" || failed=1
tap_end
