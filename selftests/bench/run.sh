#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The benchmark: builds what it needs, boots a lab host with the uniprocessor kernel and runs
# bench.py in it. "make bench" is the way to call it.
#
#   run.sh                          rows of ROWS (all), as BENCH=quick|full says
#   run.sh --spin ROW SIDE SECONDS  one row's traffic on one side for so long, for a profiler; says
#                                   which process to look at
#
# VFW_KO names a module to take instead of building one. BENCH_LABEL names the directory below
# build/bench for the results (none: build/bench itself).
set -euo pipefail

top=$(realpath "$(dirname "$0")/../..")
cd "$top"
bench=$top/selftests/bench lab=$top/selftests/lab out=$top/build/bench/${BENCH_LABEL:-}
seconds=3000
export BENCH=${BENCH:-full}

die() { echo "bench: $*" >&2; exit 1; }

quietly() { # COMMAND...: its output is only of interest if it fails
	local log
	log=$("$@" 2>&1) || { echo "$log" >&2; die "failed: $*"; }
}

build() {
	local plain jobs
	plain=$("$lab/kernel.sh" plain) || die 'no lab kernel'
	jobs=-j$(nproc)
	if [ -z "${VFW_KO:-}" ]; then
		quietly make "$jobs" module OUT=build/plain KDIR="$plain"
		VFW_KO=$top/build/plain/vfw.ko
	fi
	quietly make "$jobs" tool
	[ -n "${BENCH_NO_TOOLS:-}" ] || quietly make "$jobs" -C "$bench/tools"
	mkdir -p build/bench/kmod "$out"
	cp -u "$bench"/kmod/* build/bench/kmod/
	quietly make "$jobs" -C "$plain" ARCH=um M="$top/build/bench/kmod" modules
	export VFW_KO BENCH_INJECTOR=$top/build/bench/kmod/vfw_bench.ko
}

commit() {
	git describe --always --dirty 2> /dev/null || echo unknown
}

host() { # COMMAND...
	"$lab/host.sh" --kernel plain --mem "${BENCH_MEM:-6G}" --timeout "$seconds" --work "$out" \
		--env "BENCH=$BENCH" --env "ROWS=${ROWS:-}" --env "BENCH_OUT=$out" \
		--env "BENCH_INJECTOR=$BENCH_INJECTOR" --env "BENCH_COMMIT=$(commit)" \
		--env "BENCH_CPU=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
		--env "BENCH_LOAD=$(cut -d' ' -f1-3 /proc/loadavg)" \
		--env "PYTHONDONTWRITEBYTECODE=1" --env "SPIN=${SPIN:-}" -- "$@"
}

spin() { # ROW SIDE SECONDS
	seconds=$(($3 + 300))
	SPIN="$*" host /usr/bin/python3 "$bench/spin.py"
}

case $BENCH in quick|full) ;; *) die "BENCH=$BENCH: quick or full" ;; esac
if [ "${1:-}" = --spin ]; then
	[ $# -eq 4 ] || die 'usage: run.sh --spin ROW SIDE SECONDS'
	build
	spin "${@:2}"
	exit
fi
[ $# -eq 0 ] || die 'usage: run.sh [--spin ROW SIDE SECONDS]'
[ -n "${BENCH_NO_PACKAGES:-}" ] || "$lab/packages.sh" build test bench || die 'packages are missing'
build
host /usr/bin/python3 "$bench/bench.py"
[ ! -x "$bench/plot.sh" ] || "$bench/plot.sh" "$out/results.json"
