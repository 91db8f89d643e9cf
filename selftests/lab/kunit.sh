#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run KUnit suites that are in modules, on the debug kernel.
#
#   kunit.sh [--kernel plain|debug|smp|smp-debug] [--suites GLOB] KO...
#
# Loads vfw.ko (VFW_KO, if set) and then each KO in order, prints the results (KTAP) of the
# suites whose names begin with "vfw" and a summary. Fails when a case failed or none ran, and
# when the kernel complained (see host.sh).
set -euo pipefail

self=$(realpath "$0")
here=$(dirname "$self")
results=/sys/kernel/debug/kunit

die() { echo "kunit: $*" >&2; exit 1; }

# Of the suites' KTAP on stdin, pass it on and count the cases: those are what is indented
# once. Parameters of a case are indented further, and fail with it.
summarise() {
	awk '
	{ print }
	/^    # Subtest: / { suites++; suite = $3 }
	/^    ok .*# SKIP/ { skipped++; next }
	/^    ok / { passed++ }
	/^    not ok / { failed++; list = list "\n    " suite ": " $4 }
	/^not ok / { bad++ }
	END {
		printf "kunit: %d suites, %d cases passed, %d failed, %d skipped%s\n",
			suites, passed, failed, skipped, list
		if (failed || bad)
			exit 1
		if (!passed) {
			print "kunit: no case ran"
			exit 1
		}
	}'
}

inside() {
	local ko files
	[ -z "${KUNIT_SUITES:-}" ] || printf %s "$KUNIT_SUITES" > /sys/module/kunit/parameters/filter_glob
	# insmod succeeds whatever the cases say.
	for ko; do
		insmod "$ko" || die "insmod $ko failed"
	done
	files=$(find "$results" -path "$results/vfw*/results" | sort)
	# shellcheck disable=SC2086 # names of suites have no blanks
	[ -z "$files" ] || cat $files
}

main() {
	local kernel=debug suites='' kos=() ko
	while [ $# -gt 0 ]; do
		case $1 in
		--inside) shift; inside "$@" | summarise; return ;;
		--kernel) kernel=${2:?}; shift ;;
		--suites) suites=${2:?}; shift ;;
		-*) die "usage: kunit.sh [--kernel plain|debug|smp|smp-debug] [--suites GLOB] KO..." ;;
		*) ko=$(realpath -e "$1") || die "no such file: $1"; kos+=("$ko") ;;
		esac
		shift
	done
	[ ${#kos[@]} -gt 0 ] || die "usage: kunit.sh [--kernel plain|debug|smp|smp-debug] [--suites GLOB] KO..."
	exec "$here/host.sh" --kernel "$kernel" --name kunit \
		--env "KUNIT_SUITES=$suites" -- "$self" --inside "${kos[@]}"
}

main "$@"
