#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# One host of the demo: runs what demo.sh asks for, one command after the other, until "leave".
#
# Started by selftests/lab/pair.sh, which provides LAB_*. A command is a file N.cmd in
# LAB_WORK/host1 or host2 and consists of functions of this file; N.out gets its output and
# N.rc, last of all, its status. In the environment, from demo.sh: DEMO_GUEST, the guest's
# image, and VFW_KO, empty when the demo is tried without any firewall.
set -u

# shellcheck source=selftests/lab/lib.sh
. "$LAB_DIR/lib.sh"

here=$(dirname "$(realpath "$0")")
box=$LAB_WORK/host$LAB_HOST
uuid=11111111-2222-3333-4444-555555555555
vm=vm1
tap=tapvm1

# the network

# The cable to the other host becomes a port of the bridge that the guest is on.
host_network() {
	ip addr flush dev vec0
	ip link add br0 type bridge forward_delay 0 mcast_snooping 0
	ip link set vec0 master br0
	ip addr add "$LAB_ADDR/24" dev br0
	ip link set br0 up
}

# The guest's peer: a network namespace of its own on host 1, which nobody moves.
client_network() {
	ip netns add client
	ip link add c0 type veth peer name eth0 netns client
	ip link set c0 master br0
	ip link set c0 up
	ip -n client link set lo up
	ip -n client link set eth0 up
	ip -n client addr add 10.9.0.1/24 dev eth0
	ip -n client addr add fd09::1/64 dev eth0 nodad
	# Small buffers, so that a download read slowly flows all along and does not come in gulps.
	ip netns exec client sysctl -qw \
		net.ipv4.tcp_rmem='4096 65536 131072' net.ipv4.tcp_wmem='4096 65536 131072'
}

# libvirt

# Nothing of this reaches the machine: a lab host's files are its own.
libvirt_start() {
	cat > /etc/libvirt/qemu.conf <<-'END'
		user="root"
		group="root"
		security_driver="none"
		cgroup_controllers=[]
		namespaces=[]
		stdio_handler="file"
		remember_owner=0
	END
	# TCP without authentication: only the other host of the pair can reach it.
	cat > /etc/libvirt/libvirtd.conf <<-END
		listen_tls=0
		listen_tcp=1
		auth_tcp="none"
		auth_unix_rw="none"
		auth_unix_ro="none"
		unix_sock_group="root"
		host_uuid="0000000$LAB_HOST-1111-2222-3333-444444444444"
	END
	mkdir -p /run/dbus
	dbus-daemon --system --fork
	libvirtd --listen -d
	wait_for 30 virsh -q list
}

# the guest

guest_start() {
	sed "s#@GUEST@#$DEMO_GUEST#g; s#@UUID@#$uuid#g; s#@VM@#$vm#g; s#@TAP@#$tap#g" \
		"$here/guest.xml" > /run/guest.xml
	virsh -q create /run/guest.xml
}

guest_is_up() { grep -q 'GUEST UP' /run/guest.log; }

# To the other host; it arrives paused there, and nothing of it runs until guest_resume.
guest_migrate() {
	virsh -q migrate --live --suspend "$vm" "qemu+tcp://$LAB_PEER/system" "tcp://$LAB_PEER"
}

guest_is_paused() { [ "$(virsh -q domstate "$vm")" = paused ]; }

guest_resume() { virsh -q resume "$vm"; }

# the firewall

without_vfw() { [ -z "${VFW_KO:-}" ]; }

# Before the port exists, so that it is filtered from its first moment.
vfw_protect() {
	without_vfw && return
	vfw-nl vm add "$uuid" name "$vm"
	vfw-nl port add "$tap" vm "$uuid"
	vfw-nl policy load "$uuid" "$here/policy"
}

# The same where a guest will arrive with its state: until that is there, packets wait.
vfw_expect() {
	without_vfw && return
	vfw-nl vm add "$uuid" name "$vm" hold
	vfw-nl port add "$tap" vm "$uuid"
}

vfw_save() {
	without_vfw && return
	vfw-nl vm freeze "$uuid"
	vfw-nl snapshot save "$uuid" file "$LAB_WORK/snapshot"
}

vfw_restore() {
	without_vfw && return
	vfw-nl snapshot restore "$uuid" file "$LAB_WORK/snapshot" port "$tap=$tap"
}

# The source keeps the state until the destination has it; then it must not stay behind.
vfw_forget() {
	without_vfw && return
	vfw-nl vm del "$uuid"
}

vfw_stats() {
	without_vfw && return
	vfw-nl stats show "$uuid"
}

# the traffic, in the client's namespace of host 1

traffic_start() {
	ip netns exec client "$here/traffic.py" "$1" "$DEMO_GUEST" "$LAB_WORK" \
		> "$LAB_WORK/$1.log" 2>&1 < /dev/null &
}

# moving: the move begins; moved: the guest runs at its new place
traffic_tell() {
	local signal=USR1
	[ "$2" = moved ] || signal=USR2
	kill -"$signal" "$(cat "/run/traffic-$1.pid")"
}

# the end

# For a look from outside, when something went wrong.
keep_logs() {
	dmesg > "$box/dmesg"
	cp /run/guest.log "$box/guest.log"
	cp /var/log/libvirt/qemu/"$vm".log "$box/qemu.log"
	{ virsh list --all; ip -s link; bridge fdb show br br0; } > "$box/state" 2>&1
	without_vfw || { vfw_stats; vfw-nl flow show "$uuid"; } > "$box/vfw" 2>&1
}

serve() {
	local n command status
	mkfifo /run/never
	exec 8<> /run/never
	mkdir -p "$box"
	for ((n = 1; ; n++)); do
		# a pause without starting a process
		until [ -e "$box/$n.cmd" ]; do read -rt 0.05 -u 8; done
		command=$(cat "$box/$n.cmd")
		if [ "$command" = leave ]; then break; fi
		(set -e; $command) > "$box/$n.out" 2>&1 < /dev/null
		status=$?
		echo "$command: status $status after $SECONDS s"
		echo "$status" > "$box/$n.new"
		mv "$box/$n.new" "$box/$n.rc"
	done
}

serve
