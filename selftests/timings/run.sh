#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# How long packets and processes are kept waiting while a VM with a million flows or 100,000 rules
# is listed, flushed, saved, restored, deleted: see timings.py, which has the variables. On the
# uniprocessor kernel; worth something only on a machine that has nothing else to do. "make timings"
# is the way to call it; the table goes to build/timings/timings.md too.
set -euo pipefail

top=$(realpath "$(dirname "$0")/../..")
cd "$top"
here=$top/selftests/timings lab=$top/selftests/lab out=$top/build/timings

quietly() { # COMMAND...: its output is only of interest if it fails
	local log
	log=$("$@" 2>&1) || { echo "$log" >&2; echo "timings: failed: $*" >&2; exit 1; }
}

plain=$("$lab/kernel.sh" plain)
jobs=-j$(nproc)
mkdir -p "$out" build/bench/kmod
if [ -z "${VFW_KO:-}" ]; then
	quietly make "$jobs" module OUT=build/plain KDIR="$plain"
	VFW_KO=$top/build/plain/vfw.ko
fi
quietly make "$jobs" tool
mkdir -p "$out/kmod"
cp -u "$here"/kmod/* "$out/kmod/"
quietly make "$jobs" -C "$plain" ARCH=um M="$out/kmod" modules
cp -u selftests/bench/kmod/* build/bench/kmod/
quietly make "$jobs" -C "$plain" ARCH=um M="$top/build/bench/kmod" modules

echo "timings: load of the machine before: $(cut -d' ' -f1-3 /proc/loadavg)" >&2
variables=()
for name in ROUNDS FLOWS RULES ROWS; do
	value=TIMINGS_$name
	variables+=(--env "$value=${!value:-}")
done
VFW_KO=$VFW_KO exec "$lab/host.sh" --kernel plain --mem "${TIMINGS_MEM:-4G}" \
	--timeout "${TIMINGS_TIMEOUT:-1800}" --work "$out" "${variables[@]}" \
	--env "TIMINGS_OUT=$out" --env "TIMINGS_PROBE=$out/kmod/vfw_probe.ko" --env PYTHONDONTWRITEBYTECODE=1 \
	--env "BENCH_INJECTOR=$top/build/bench/kmod/vfw_bench.ko" -- /usr/bin/python3 "$here/timings.py"
