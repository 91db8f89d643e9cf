#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run a script on two lab hosts at once that are joined by a cable.
#
#   pair.sh [OPTION]... [--] SCRIPT [ARGUMENT]...
#
#   --second SCRIPT_B     host 2 runs this one, with the same arguments (else SCRIPT as well)
#   --work DIR            the directory that both share, with their output and console logs
#                         (host1.output, host1.console, ...); else a temporary one
#   --kernel, --mem, --timeout, --env    as for host.sh, for both
#
#   host 1  [vec0 10.200.0.1, fd00:200::1] ---------- [vec0 10.200.0.2, fd00:200::2]  host 2
#
# Inside, LAB_HOST is 1 or 2; LAB_ADDR, LAB_ADDR6, LAB_PEER and LAB_PEER6 are this and the other
# host's addresses on vec0; lib.sh has lab_signal, lab_wait and lab_meet to keep in step. The
# output comes as it is made, each line with "1| " or "2| " before it.
#
# Exit status: 0 if both succeeded, else that of the first that failed (see host.sh).
set -euo pipefail

here=$(dirname "$(realpath "$0")")
work='' second='' temporary='' options=() hosts=()

die() { echo "lab pair: $*" >&2; exit 125; }

usage() {
	sed -n '/^#   pair.sh/,/^set -/{/^set -/d; s/^# \{0,1\}//; p}' "$0" >&2
	exit 125
}

parse_arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		--) shift; break ;;
		--second|--work|--kernel|--mem|--timeout|--env) [ $# -gt 1 ] || usage ;;
		-*) usage ;;
		*) break ;;
		esac
		case $1 in
		--second) second=$2 ;;
		--work) work=$2 ;;
		*) options+=("$1" "$2") ;;
		esac
		shift 2
	done
	[ $# -gt 0 ] || usage
	script=$1; shift
	arguments=("$@")
}

udp_port_used() {
	awk -v port="$(printf ':%04X' "$1")" \
		'substr($2, length($2) - 4) == port {used = 1} END {exit !used}' /proc/net/udp
}

# Two UDP ports that nobody else uses. Pairs that start at the same time keep out of each
# other's way by a lock on the number, held as long as this script lives.
choose_ports() {
	local slot lock
	for slot in $(seq 0 499); do
		lock=/tmp/.vfw-lab-pair.$slot
		{ exec {lock_fd}>> "$lock"; } 2> /dev/null || continue
		port=$((21000 + 2 * slot))
		if flock -n "$lock_fd" && ! udp_port_used "$port" && ! udp_port_used $((port + 1)); then
			return
		fi
		exec {lock_fd}>&-
	done
	die "no free UDP ports between 21000 and 22000"
}

prepare_work() {
	if [ -z "$work" ]; then
		work=$(mktemp -d /tmp/vfw-pair.XXXXXX)
		temporary=$work
	fi
	mkdir -p "$work"
	work=$(realpath "$work")
	rm -rf "$work/.signals"
	mkdir "$work/.signals"
}

# HOST SCRIPT: run one, labelling its output; if it fails the other shall not wait for it.
run_host() {
	local i=$1 j=$((3 - $1)) vec label host='' status=0
	# Ctrl-C reaches all of us, but only the main script acts on it, with TERM; a helper that
	# died of it would leave its host behind.
	trap '' INT
	trap '[ -z "$host" ] || kill "$host"' TERM
	vec=transport=l2tpv3,udp=1,src=127.0.0.1,dst=127.0.0.1,depth=64
	vec+=,srcport=$((port + i - 1)),dstport=$((port + j - 1)),tx_session=7,rx_session=7
	vec+=,mac=02:00:00:00:c8:0$i
	exec {lock_fd}>&- > >(exec sed -u "s/^/$i| /") 2>&1
	label=$!
	"$here/host.sh" "${options[@]}" --name "host$i" --work "$work" --vec "$vec" \
		--addr "10.200.0.$i,fd00:200::$i" --env "LAB_HOST=$i" \
		--env "LAB_PEER=10.200.0.$j" --env "LAB_PEER6=fd00:200::$j" \
		-- "$2" "${arguments[@]}" &
	host=$!
	# A signal ends the first wait; the second is for the host's end in order.
	wait "$host" || status=$?
	wait "$host" 2> /dev/null || true
	exec > /dev/null 2>&1
	wait "$label" || true
	# The first to fail is the cause; the other may fail because of it. noclobber keeps it.
	[ "$status" = 0 ] || (set -C; echo "$status" > "$work/.signals/.failed") 2> /dev/null || true
}

# shellcheck disable=SC2317
clean_up() {
	local status=$?
	trap - EXIT INT TERM HUP
	[ ${#hosts[@]} = 0 ] || kill "${hosts[@]}" 2> /dev/null || true
	wait
	if [ -n "$temporary" ]; then
		if [ "$status" = 0 ] || [ "$status" -gt 128 ]; then rm -rf "$temporary"; else echo "lab pair: see $temporary" >&2; fi
	fi
	exit "$status"
}

main() {
	parse_arguments "$@"
	choose_ports
	prepare_work
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	run_host 1 "$script" & hosts+=($!)
	run_host 2 "${second:-$script}" & hosts+=($!)
	wait
	hosts=()
	[ ! -e "$work/.signals/.failed" ] || exit "$(cat "$work/.signals/.failed")"
}

main "$@"
