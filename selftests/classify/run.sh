#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The classifier as a program: the same files as in the module, compiled for this machine.
#
#   run.sh [short]           small policies of all kinds, also with a compiler that looks for
#                            errors in memory: seconds
#   run.sh full [SEED]       100,000 rules and 1,000,000 packets against the meaning of the rules,
#                            one after the other: minutes; the last line is the result
#   run.sh bench [SIZE...]   nanoseconds a look-up, tables and memory, by style and size
#   run.sh files DIR...      the same for sets that selftests/bench/rulegen.py wrote
set -euo pipefail

top=$(realpath "$(dirname "$0")/../..")
here=$top/selftests/classify out=$top/build/classify
units=(classify classify_build classify_tree classify_tuple rule)
warnings=(-Wall -Wextra -Werror -Wno-sign-compare -Wno-unused-parameter -Wno-pointer-arith
	-Wno-missing-field-initializers)

# Each header of the kernel that the units include is the shim.
headers() {
	local header
	sed -n 's/^#include <\(.*\)>.*/\1/p' "$top"/kmod/{main,packet,policy,classify*,rule,text}.[ch] \
		"$top"/include/uapi/linux/vfw*.h 2> /dev/null | sort -u |
	while read -r header; do
		[ ! -e "$top/include/$header" ] || continue
		[ "$header" != linux/types.h ] || continue
		mkdir -p "$out/include/$(dirname "$header")"
		echo '#include "shim.h"' > "$out/include/$header"
	done
}

compile() { # NAME FLAG...
	local name=$1 unit objects=()
	shift
	for unit in "${units[@]}"; do
		objects+=("$out/$name-$unit.o")
		"${CC:-cc}" "$@" -std=gnu11 "${warnings[@]}" -I"$out/include" -I"$here" -I"$top/include" \
			-c "$top/kmod/$unit.c" -o "$out/$name-$unit.o"
	done
	for unit in classify gen; do
		objects+=("$out/$name-test-$unit.o")
		"${CC:-cc}" "$@" -std=gnu11 "${warnings[@]}" -I"$out/include" -I"$here" -I"$top/include" \
			-c "$here/$unit.c" -o "$out/$name-test-$unit.o"
	done
	objects+=("$out/$name-reference.o")
	"${CC:-cc}" "$@" -O3 -march=native -std=gnu11 "${warnings[@]}" -I"$out/include" -I"$here" \
		-I"$top/include" -c "$here/reference.c" -o "$out/$name-reference.o"
	"${CC:-cc}" "$@" "${objects[@]}" -lpthread -o "$out/$name"
}

mkdir -p "$out"
headers
what=${1:-short}
[ $# -eq 0 ] || shift
case $what in
short)
	compile sanitised -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
	"$out/sanitised" random 300
	compile plain -O2
	"$out/plain" random 1000 2
	"$out/plain" verify 5000 60000 ;;
full)
	compile plain -O2
	"$out/plain" verify 100000 1000000 "${1:-1}" ;;
bench|files)
	compile plain -O2
	"$out/plain" "$what" "$@" ;;
*)
	echo 'usage: run.sh [short | full [SEED] | bench [SIZE...] | files DIR...]' >&2
	exit 2 ;;
esac
