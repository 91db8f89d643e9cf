#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The benchmark: builds what it needs, boots a lab host with the uniprocessor kernel and runs
# bench.py in it. "make bench" is the way to call it.
#
#   run.sh                          rows of ROWS (all), as BENCH=quick|full says
#   run.sh --spin ROW SIDE SECONDS  one row's traffic on one side for so long; says which process to
#                                   look at, and with perf installed where it spends its time
#
# RESUME=1 goes on with a run that was broken off: rows that have figures keep them.
# SIDES="none vfw" leaves the other sides of rows of packets out: for trying changes.
# VFW_KO names a module to take instead of building one. BENCH_LABEL names the directory below
# build/bench for the results (none: build/bench itself).
set -euo pipefail

top=$(realpath "$(dirname "$0")/../..")
cd "$top"
bench=$top/selftests/bench lab=$top/selftests/lab out=$top/build/bench/${BENCH_LABEL:-}
seconds=5400
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
		--env "BENCH=$BENCH" --env "ROWS=${ROWS:-}" --env "SIDES=${SIDES:-}" \
		--env "RESUME=${RESUME:-}" --env "BENCH_OUT=$out" \
		--env "BENCH_INJECTOR=$BENCH_INJECTOR" --env "BENCH_COMMIT=$(commit)" \
		--env "BENCH_CPU=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
		--env "BENCH_LOAD=$(cut -d' ' -f1-3 /proc/loadavg)" \
		--env "PYTHONDONTWRITEBYTECODE=1" --env "SPIN=${SPIN:-}" -- "$@"
}

# The process that is the lab host's kernel: a child's child of ours.
kernel_of() { # PID
	local child
	for child in $(pgrep -P "$1"); do
		[ "$(cat "/proc/$child/comm")" != linux ] || { echo "$child"; return; }
		kernel_of "$child"
	done
}

# A sample each 100 us is put to the function it is in by the symbols that the host left.
profile() { # PID SECONDS
	perf record -q -e cpu-clock -c 100000 -p "$1" -o "$out/spin.perf" -- sleep "$2" > /dev/null
	perf script -i "$out/spin.perf" -F ip 2> /dev/null |
		/usr/bin/python3 "$bench/symbols.py" "$out/spin.kallsyms"
}

spin() { # ROW SIDE SECONDS
	local host kernel
	seconds=$(($3 + 300))
	rm -f "$out/spin.kallsyms"
	SPIN="$*" host /usr/bin/python3 "$bench/spin.py" & host=$!
	until [ -s "$out/spin.kallsyms" ]; do
		kill -0 "$host" 2> /dev/null || die 'the host ended early'
		sleep 0.2
	done
	kernel=$(kernel_of "$host")
	echo "bench: the kernel is process $kernel" >&2
	if command -v perf > /dev/null; then profile "$kernel" $(($3 > 2 ? $3 - 2 : 1)); fi
	wait "$host"
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
