# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# For scripts that run on lab hosts: . "$LAB_DIR/lib.sh"
#
# What host.sh and pair.sh provide: LAB_DIR (this directory), LAB_WORK (the shared directory,
# also /work-out), LAB_KERNEL (plain or debug), LAB_NAME (the host's name); in a pair also
# LAB_HOST (1 or 2), LAB_ADDR and LAB_ADDR6 (this host's vec0), LAB_PEER and LAB_PEER6.

lab_say() { echo "lab: $*" >&2; }
lab_die() { lab_say "$*"; exit 1; }

# wait_for SECONDS COMMAND...: run COMMAND until it succeeds; after SECONDS give up, fail and say
# what was waited for. Its output is hidden: it is expected to fail for a while.
wait_for() {
	local limit=$1 end
	shift
	end=$((${EPOCHREALTIME/[.,]/} + limit * 1000000))
	until "$@" > /dev/null 2>&1; do
		if [ "${EPOCHREALTIME/[.,]/}" -ge "$end" ]; then
			lab_say "waited $limit s in vain for: $*"
			return 1
		fi
		sleep 0.02
	done
}

# The two hosts of a pair tell each other things through files in the shared directory. A file
# appears complete and at once (rename), and the other kernel sees it at its next look: hostfs
# caches no names. It must be a new file each time: hostfs does cache what is in an open one.

# lab_signal NAME [TEXT]: tell the other host that NAME has happened.
lab_signal() {
	local dir=$LAB_WORK/.signals
	mkdir -p "$dir"
	echo "${2:-}" > "$dir/.new.$1.$LAB_HOST"
	mv "$dir/.new.$1.$LAB_HOST" "$dir/$1"
}

# lab_wait NAME SECONDS: wait for NAME and print the text that came with it. Fails when the time
# is over, or as soon as the other host has failed.
lab_wait() {
	local dir=$LAB_WORK/.signals end
	end=$((${EPOCHREALTIME/[.,]/} + $2 * 1000000))
	until [ -e "$dir/$1" ]; do
		if [ -e "$dir/.failed" ]; then
			lab_say "the other host failed; no use in waiting for '$1'"
			return 1
		fi
		if [ "${EPOCHREALTIME/[.,]/}" -ge "$end" ]; then
			lab_say "waited $2 s in vain for the signal '$1'"
			return 1
		fi
		sleep 0.02
	done
	cat "$dir/$1"
}

# lab_meet NAME SECONDS: both hosts call it; neither goes on before the other has arrived.
lab_meet() {
	lab_signal "$1.$LAB_HOST" && lab_wait "$1.$((3 - LAB_HOST))" "$2" > /dev/null
}

# lab_bench: a VM's surroundings in miniature, in namespaces.
#
#   peer                        this namespace                        vm
#   [u1 10.0.0.1] ------- [u0  br0  port0] ------- [eth0 10.0.0.2]
#        fd00::1                                             fd00::2
#
# port0 is the port of the VM: what leaves eth0 comes in at port0.
lab_bench() {
	ip netns add vm && ip netns add peer
	ip link add br0 type bridge forward_delay 0 mcast_snooping 0
	ip link add port0 type veth peer name eth0 netns vm
	ip link add u0 type veth peer name u1 netns peer
	ip link set port0 master br0
	ip link set u0 master br0
	lab_bench_end vm eth0 2 && lab_bench_end peer u1 1
	for dev in br0 port0 u0; do ip link set "$dev" up; done
	wait_for 5 ip netns exec peer ping -c 1 -W 1 10.0.0.2
}

# One end of it: NAMESPACE DEVICE LAST_PART_OF_THE_ADDRESS
lab_bench_end() {
	ip -n "$1" link set lo up
	ip -n "$1" addr add "10.0.0.$3/24" dev "$2"
	ip -n "$1" addr add "fd00::$3/64" dev "$2" nodad
	ip -n "$1" link set "$2" address "02:00:00:00:00:0$3" up
}

lab_bench_remove() {
	ip netns del vm
	ip netns del peer
	ip link del br0
}
