#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module: it stays while it is needed, goes without a trace, and comes again, while packets
# are on their way.
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

loaded() { grep -q '^vfw ' /proc/modules; }

pings() { on peer ping -c 1 -W 5 10.0.0.2; }

test_refused() {
	policy
	check_refused 'a VM keeps the module' 1 'in use' rmmod vfw
	check 'and is filtered afterwards' dropped default in on peer ping -c 1 -W 0.3 10.0.0.2
	vfw-nl vm freeze "$VM"
	check_refused 'a frozen one, too' 1 'in use' rmmod vfw
	vfw-nl vm del "$VM"
	vfw-nl vm add "$VM" hold && vfw-nl port add port0 vm "$VM"
	on peer ping -c 2 -i 0.01 -W 0.1 10.0.0.2 > /dev/null
	check_refused 'and one that holds packets' 1 'in use' rmmod vfw
}

# The shadow memory of a module that was removed stays as it was on a kernel with KASAN but
# without KASAN_VMALLOC: no other can be loaded in its place.
can_load_again() {
	! grep -q ' kasan_report$' /proc/kallsyms || grep -q 'kasan_unpoison_vmalloc' /proc/kallsyms
}

test_gone() {
	check 'with the last VM' vfw-nl vm del "$VM"
	check 'the module can go' rmmod vfw
	check_not 'and is gone' loaded
	check_not 'with its files' [ -e /sys/module/vfw ]
	check_not 'and caches' grep vfw /proc/slabinfo
	check 'nothing is filtered' pings
	check_refused 'vfw-nl says that it is missing' 2 'module' vfw-nl vm show
	if ! can_load_again; then
		pass 'it comes again # SKIP this kernel cannot load a module twice'
		tap_end
	fi
	check 'it comes again' insmod "$VFW_KO"
	check_same 'without VMs' "$(vfw-nl vm show)" ''
}

heard() {
	vfw-nl vm set "$VM" name web
	[ -s "$tmp/events" ]
}

test_listener() {
	vfw-nl monitor > "$tmp/events" & local listener=$!
	vfw-nl vm add "$VM"
	wait_for 10 heard
	vfw-nl vm del "$VM"
	check 'who listens to events does not keep it' rmmod vfw
	insmod "$VFW_KO"
	kill "$listener"
	wait
}

# A life, as short as can be, with all that a VM may own.
life() {
	insmod "$VFW_KO" && vfw-nl -b - <<- EOF || return
		vm add $VM name web
		port add port0 vm web
		policy load web $tmp/open
		policy load web $tmp/cut
		policy load web $tmp/open
		snapshot save web file $tmp/state
		vm freeze web
		vm thaw web
		flow flush web
		vm del web
	EOF
	rmmod vfw
}

lives() {
	local i
	rmmod vfw
	for i in $(seq 20); do
		life || { echo "life $i"; return 1; }
	done
}

test_reload() {
	echo 'pass both' > "$tmp/open"
	echo 'drop both' > "$tmp/cut"
	ip netns exec peer ping -i 0.002 10.0.0.2 > "$tmp/ping" 2>&1 & local ping=$!
	ip netns exec vm ping -i 0.002 fd00::1 > /dev/null 2>&1 & local ping6=$!
	check 'it is loaded and removed twenty times under traffic' lives
	kill "$ping" "$ping6"
	wait
	check 'traffic there was' [ "$(grep -c 'bytes from' "$tmp/ping")" -gt 20 ]
	check 'nothing is filtered afterwards' pings
	check_same 'a snapshot of that time was saved whole' \
		"$(vfw-nl snapshot info "$tmp/state" > /dev/null; echo $?)" 0
}

# The hosts' end and the module's own.
test_namespaces() {
	insmod "$VFW_KO"
	ip netns add host2
	ip -n host2 link add port0 type dummy
	on host2 vfw-nl vm add "$VM" && on host2 vfw-nl port add port0 vm "$VM"
	check_refused 'a VM of another namespace keeps it' 1 'in use' rmmod vfw
	ip netns del host2
	check 'until that is gone' wait_for 10 rmmod vfw
}

vm_begin
test_refused
test_gone
test_listener
test_reload
test_namespaces
tap_end
