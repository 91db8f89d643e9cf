#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# nf_conntrack and vfw on the same packets: see Documentation/conntrack-differences.md.
#
#   run.sh [short]             2,000 connections: of a seed that is always the same, and of one
#                              that never is: seconds
#   run.sh full                130,000 connections, of two seeds likewise: a minute or two
#   run.sh show SEED NUMBER    one connection, packet by packet
#
# CONNECTIONS (of each seed) and SEED choose other ones. The last line is the result.
set -euo pipefail

top=$(realpath "$(dirname "$0")/../..")
cd "$top"
here=selftests/differential lab=selftests/lab out=$top/build/differential

die() { echo "differential: $*" >&2; exit 1; }

quietly() { # COMMAND...: its output is only of interest if it fails
	local log
	log=$("$@" 2>&1) || { echo "$log" >&2; die "failed: $*"; }
}

# A vfw.ko of the tree that exports what the module beside it calls, and the program.
build() {
	local plain jobs
	"$lab/packages.sh" build test > /dev/null || die 'packages are missing'
	plain=$("$lab/kernel.sh" plain) || die 'no lab kernel'
	jobs=-j$(nproc)
	quietly make "$jobs" module OUT=build/differential KDIR="$plain" VFW_KUNIT=exports
	mkdir -p "$out/$here/kmod"
	cp -u "$here"/kmod/* "$out/$here/kmod/"
	quietly make "$jobs" -C "$plain" ARCH=um M="$out/$here/kmod" \
		KBUILD_EXTRA_SYMBOLS="$out/Module.symvers" modules
	quietly "${CC:-cc}" -O2 -std=gnu11 -Wall -Wextra -Werror -Iinclude/uapi \
		-o "$out/differential" "$here"/*.c
	[ -x userspace/vfw-nl ] || quietly make "$jobs" tool
}

host() { # ARGUMENT...: of the program
	VFW_KO=$out/vfw.ko exec "$lab/host.sh" --kernel plain --mem 4G --timeout 3600 -- \
		"$top/$here/host.sh" "$out/differential" "$out/$here/kmod/vfw_differential.ko" "$@"
}

seeds=("${SEED:-1}")
[ -n "${SEED:-}" ] || seeds+=("$SRANDOM")
case ${1:-short} in
short) set -- "${CONNECTIONS:-1000}" "${seeds[@]}" ;;
full) set -- "${CONNECTIONS:-65000}" "${seeds[@]}" ;;
show) [ $# -eq 3 ] || die 'usage: run.sh show SEED NUMBER' ;;
*) die 'usage: run.sh [short | full | show SEED NUMBER]' ;;
esac
[ -n "${NO_BUILD:-}" ] || build
host "$@"
