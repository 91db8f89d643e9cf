#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Count the instructions that a packet of an established flow takes: vfw, and nftables' bridge
# with conntrack.
#
#   run.sh [CALLS] > Documentation/benchmarks/instructions.md
#
# CALLS calls of each hook are single-stepped (100). What was counted stays in build/icount/out.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
top=$(realpath "$here/../..")
build=$top/build/icount out=$top/build/icount/out calls=${1:-100}
guest=''

say() { echo "icount: $*" >&2; }

# The module as ever, with line numbers beside its code.
build_all() {
	local kdir
	kdir=$("$top/selftests/lab/kernel.sh" plain)
	make -C "$top" module OUT="$build" KDIR="$kdir" KCFLAGS=-g > "$build.log" 2>&1 ||
		{ tail -n 20 "$build.log" >&2; return 1; }
	make -C "$top" tool >> "$build.log" 2>&1
	make -C "$here" OUT="$build" >> "$build.log" 2>&1
}

# shellcheck disable=SC2317
clean_up() {
	[ -z "$guest" ] || ! kill "$guest" 2> /dev/null || wait "$guest" || true
}

# The address of a function, by kallsyms.
address() {
	awk -v want="$1" '$3 == want {print $1; exit}' "$out/kallsyms"
}

# Where the calls of a side are looked for: at the netdev hooks (family 5, hooks 0 and 1), or where
# the bridge calls conntrack and what is hooked at forward and postrouting (family 7, 2 and 4).
breakpoints() {
	local slow
	slow=$(address nf_hook_slow)
	case $1 in
	vfw) echo "$slow,5,0 $slow,5,1" ;;
	nftables) echo "$(address nf_ct_bridge_pre) $slow,7,2 $slow,7,4" ;;
	esac
}

# count_phase N SIDE: a packet is one call of vfw, and three of the bridge's hooks.
count_phase() {
	local number=$calls
	[ "$2" = vfw ] || number=$((calls * 3))
	# shellcheck disable=SC2046 # several
	"$build/icount" "$(cat "$out/pid")" $((number * 2)) "$out/ready.$1" $(breakpoints "$2") \
		> "$out/calls.$1"
	touch "$out/done.$1"
}

main() {
	local n=1 side
	mkdir -p "$build"
	build_all
	rm -rf "$out"
	mkdir -p "$out"
	trap clean_up EXIT
	VFW_KO=$build/vfw.ko "$top/selftests/lab/host.sh" --kernel plain --timeout 600 --work "$out" \
		--env "PYTHONPATH=$top/selftests/engine" --env PYTHONDONTWRITEBYTECODE=1 \
		-- /usr/bin/python3 "$here/guest.py" >&2 & guest=$!
	until [ -e "$out/phase.end" ]; do
		kill -0 "$guest" 2> /dev/null || { say 'the lab host ended early'; exit 1; }
		if [ -e "$out/phase.$n" ]; then
			side=$(sed 's/.*"side": "\([a-z]*\)".*/\1/' "$out/phase.$n")
			say "counting $(cat "$out/phase.$n")"
			count_phase "$n" "$side"
			n=$((n + 1))
		fi
		sleep 0.05
	done
	wait "$guest"
	guest=''
	/usr/bin/python3 "$here/report.py" "$build" "$out"
}

main
