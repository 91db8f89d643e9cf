#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Move a VM between two hosts with its firewall state, then once more without it, and show what
# lives. "make demo" and, with --check, "make check" run this.
#
#   demo.sh [--check]
#
# --check ends with a line of TAP for each thing that had to be so.
#
# In the environment:
#   VFW_KO         the module, built for the lab's plain kernel (build/plain/vfw.ko); vfw-nl is
#                  taken from the tree
#   DEMO_OUT       for logs (build/demo)
#   DEMO_KERNEL    plain or debug, for a VFW_KO that was built for the debug kernel
#   DEMO_NO_VFW=1  no firewall at all, to try the rest alone: everything survives, always
#
# Exits 0 if all connections survived with the state, and none without it.
set -euo pipefail
shopt -s inherit_errexit

here=$(dirname "$(realpath "$0")")
top=$(realpath "$here/../..")
lab=$here/../lab
out=$(realpath -m "${DEMO_OUT:-$top/build/demo}")
check=''
min_connections=40
began=${EPOCHREALTIME/[.,]/}
step_text='' step_began=$began step_at=0
pair='' ending=''

# output: a line for each step; on a terminal it also shows what goes on in the step

seconds_since() {
	local tenths=$(((${EPOCHREALTIME/[.,]/} - $1) / 100000))
	printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

step() {
	step_text=$* step_began=${EPOCHREALTIME/[.,]/} step_at=$(seconds_since "$began")
	printf '[%5s s] %s' "$step_at" "$step_text"
}

progress() {
	[ -t 1 ] || return 0
	printf '\r\033[K[%5s s] %s: %s' "$(seconds_since "$began")" "$step_text" "$1"
}

step_end() {
	[ ! -t 1 ] || printf '\r\033[K[%5s s] %s' "$step_at" "$step_text"
	printf '%s  (%s s)\n' "${1:+: $1}" "$(seconds_since "$step_began")"
	step_text=''
}

fail() {
	printf '\ndemo: %s\n' "$*" >&2
	exit 1
}

# the end, good or bad

show_logs() {
	local file
	for file in "$out"/host[12]/{dmesg,guest.log,qemu.log,vfw,state} "$out"/{state,control}.{log,error}; do
		[ -s "$file" ] || continue
		echo "--- the end of $file" >&2
		tail -n 12 "$file" | tr -d '\r' | cut -c1-160 >&2
	done
	# what the lab says of a host that died or complained is longer
	echo "--- the end of $out/hosts.log" >&2
	tail -n 50 "$out/hosts.log" | cut -c1-160 >&2
}

# shellcheck disable=SC2317 # called by the trap
finish() {
	local status=$?
	trap - EXIT
	trap '' INT TERM HUP
	if [ "$status" = 1 ] && [ -n "$pair" ]; then
		[ -z "$step_text" ] || printf '\ndemo: failed at: %s\n' "$step_text" >&2
		ending=1
		# in a subshell, because a failure there must not end this
		(ask 1 10 keep_logs; ask 2 10 keep_logs) > /dev/null 2>&1 || true
		show_logs
	fi
	if [ -n "$pair" ]; then
		kill "$pair" 2> /dev/null || true
		wait "$pair" 2> /dev/null || true
	fi
	exit "$status"
}

# the two hosts

boot() {
	"$lab/pair.sh" --work "$out" --kernel "$kernel" --mem 1G --timeout 900 \
		--env "DEMO_GUEST=$guest" -- "$here/host.sh" > "$out/hosts.log" 2>&1 < /dev/null &
	pair=$!
}

# ask HOST SECONDS COMMAND...: run it there; its output is ours, and so is its status
ask() {
	local host=$1 limit=$2 box=$out/host$1 n=1 end
	shift 2
	# counted in files, because some callers are subshells
	while [ -e "$box/$n.cmd" ]; do n=$((n + 1)); done
	end=$((SECONDS + limit))
	echo "$*" > "$box/new.cmd"
	mv "$box/new.cmd" "$box/$n.cmd"
	until [ -e "$box/$n.rc" ]; do
		if [ -z "$ending" ] && [ -e "$out/.signals/.failed" ] || ! kill -0 "$pair" 2> /dev/null; then
			fail "a host has died"
		fi
		[ "$SECONDS" -lt "$end" ] || fail "host $host: '$*' took more than $limit s"
		[ -z "$step_text" ] || progress "host $host, ${*%% *}"
		sleep 0.05
	done
	[ "$(cat "$box/$n.rc")" = 0 ] || fail "host $host: '$*' failed: $(cat "$box/$n.out")"
	cat "$box/$n.out"
}

# Switch both off; the lab then tells what their kernels complained of.
leave() {
	step "switching the hosts off"
	echo leave > "$out/host1/new.cmd"
	echo leave > "$out/host2/new.cmd"
	local host n status=0
	for host in 1 2; do
		n=1
		while [ -e "$out/host$host/$n.cmd" ]; do n=$((n + 1)); done
		mv "$out/host$host/new.cmd" "$out/host$host/$n.cmd"
	done
	wait "$pair" || status=$?
	[ "$status" = 0 ] || fail "the hosts ended with status $status, see selftests/lab/host.sh"
	pair=''
	step_end
}

# the traffic

# wait_traffic TAG PATTERN FILE SECONDS: until the traffic program has written that
wait_traffic() {
	local tag=$1 pattern=$2 file=$out/$1.$3 end=$((SECONDS + $4))
	until grep -qs "$pattern" "$file"; do
		[ ! -e "$out/$tag.error" ] || fail "$(cat "$out/$tag.error")"
		[ "$SECONDS" -lt "$end" ] || fail "not within $4 s; $(cat "$out/$tag.status" 2> /dev/null)"
		progress "$(cat "$out/$tag.status" 2> /dev/null)"
		sleep 0.3
	done
}

traffic() {
	step "traffic between the guest and a client that stays"
	ask 1 10 traffic_start "$1"
	wait_traffic "$1" ^ready status 120
	step_end "$(sed 's/ready: //' "$out/$1.status")"
}

verdict() {
	step "what lives"
	ask 1 10 traffic_tell "$1" moved
	wait_traffic "$1" . result 150
	step_end
	cat "$out/$1.table"
	echo
}

# the steps

# migrate TAG FROM TO: from here on the guest is stopped
migrate() {
	ask 1 10 traffic_tell "$1" moving
	step "virsh migrate --live --suspend, host $2 to host $3"
	ask "$2" 120 guest_migrate
	ask "$3" 10 guest_is_paused
	step_end
	stopped=${EPOCHREALTIME/[.,]/}
}

resume() {
	step "virsh resume on host $1"
	ask "$1" 20 guest_resume
	step_end "the guest stood still for $(seconds_since "$stopped") s since the migration"
}

introduce() {
	echo "A guest behind vfw moves to another host and back, first with the state of its firewall,"
	echo "then without. Its policy:"
	grep -v '^#' "$here/policy" | sed 's/^/    /'
	echo
}

prepare() {
	step "the guest's image"
	rm -rf "$out"
	mkdir -p "$out/host1" "$out/host2"
	guest=$("$here/guest.sh" 2> "$out/guest.log") || { cat "$out/guest.log"; fail "no guest"; }
	step_end
	step "booting two hosts"
	boot
	ask 1 60 host_network
	ask 2 60 host_network
	ask 1 20 client_network
	step_end
	step "libvirtd on both"
	ask 1 60 libvirt_start
	ask 2 60 libvirt_start
	step_end
}

start_guest() {
	step "starting the guest on host 1"
	ask 1 20 vfw_protect
	ask 1 60 guest_start
	ask 1 120 wait_for 120 guest_is_up
	step_end
}

with_state() {
	printf '\nFirst move: the state of the firewall goes with the guest\n'
	traffic state
	step "vfw-nl vm add on host 2, hold"
	ask 2 20 vfw_expect
	step_end
	migrate state 1 2
	local text
	step "vfw-nl snapshot save on host 1"
	text=$(ask 1 20 vfw_save)
	step_end "${text##*: }"
	step "vfw-nl snapshot restore on host 2"
	text=$(ask 2 20 vfw_restore)
	step_end "${text##*: }"
	resume 2
	ask 1 20 vfw_forget
	verdict state
}

# The policy is there before the guest, so that its port is never open.
without_state() {
	printf 'Second move, back to host 1: the same policy, but not the state\n'
	traffic control
	step "vfw-nl vm add and policy load on host 1"
	ask 1 20 vfw_protect
	step_end
	migrate control 2 1
	resume 1
	ask 2 20 vfw_forget
	verdict control
	echo "What vfw on host 1 has to say to that:"
	ask 1 20 vfw_stats
	echo
}

# the result

points=()
all_well=1

# point TEXT COMMAND...: one thing that had to be so
point() {
	local text=$1 ok='ok'
	shift
	"$@" || { ok='not ok' all_well=''; }
	points+=("$ok $((${#points[@]} + 1)) - $text")
}

judge() {
	local a b c d others_a checks_a checks_b all_others all_checks
	read -r a b others_a all_others checks_a all_checks < "$out/state.result"
	read -r c d _ _ checks_b _ < "$out/control.result"
	point "$b connections were open, at least $min_connections" [ "$b" -ge "$min_connections" ]
	point "with the state $a of $b survived" [ "$a" = "$b" ]
	point "with the state UDP and ping went on" [ "$others_a" = "$all_others" ]
	point "without the state $c of $d survived" [ "$c" = 0 ]
	point "new connections obey the policy after the first move" [ "$checks_a" = "$all_checks" ]
	point "new connections obey the policy after the second move" [ "$checks_b" = "$all_checks" ]
	if [ -n "$check" ]; then
		printf '%s\n' "${points[@]}" "1..${#points[@]}"
	elif [ -z "$all_well" ]; then
		printf '%s\n' "${points[@]}" | sed -n 's/^not ok [0-9]* - /demo: not as it must be: /p'
	fi
	echo "demo: with state: $a of $b connections survived; without: $c of $d"
	[ -n "$all_well" ]
}

main() {
	case "$*" in
	'') ;;
	--check) check=1 ;;
	*) fail "usage: demo.sh [--check]" ;;
	esac
	kernel=${DEMO_KERNEL:-plain}
	export VFW_KO=${VFW_KO:-$top/build/plain/vfw.ko}
	if [ -n "${DEMO_NO_VFW:-}" ]; then
		VFW_KO=''
	elif [ ! -e "$VFW_KO" ]; then
		fail "there is no $VFW_KO; run 'make demo'"
	fi
	trap finish EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	introduce
	prepare
	start_guest
	with_state
	without_state
	leave
	judge
}

main "$@"
