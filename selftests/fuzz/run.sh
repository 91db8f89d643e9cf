#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Hostile input to all that takes input: netlink messages, packets, snapshots, and the files that
# the tool reads.
#
#   run.sh [SECONDS | short] [KIND...]   kinds: netlink packets snapshots files; all of them
#   run.sh replay FILE...                once more what was saved of a failure
#
# SECONDS (60) is for each kind; two kinds run at a time. FUZZ_SEED chooses the inputs, else the
# time does. Short is for every day: a few seconds for each.
#
# netlink, packets and snapshots run on lab hosts of their own under the debug kernel, which must
# neither complain nor leak; the module is unloaded at the end. Files are read by the tool's own
# code under libFuzzer. What fails is kept in build/fuzz, and how to replay it is said. The last
# line is "fuzz: N netlink, N packets, N snapshots, N files, N failures".
set -uo pipefail

here=$(dirname "$(realpath "$0")")
top=$(realpath "$here/../..")
cd "$top" || exit 1
out=$top/build/fuzz
user=userspace/build/fuzz/fuzz
declare -A counts=([netlink]=0 [packets]=0 [snapshots]=0 [files]=0)
failures=0

die() { echo "fuzz: $*" >&2; exit 1; }

# Quick when all is there already.
prepare() {
	local debug
	mkdir -p "$out"
	selftests/lab/packages.sh build test fuzz > "$out/build.log" || die 'packages are missing'
	debug=$(selftests/lab/kernel.sh debug) || die 'no lab kernel'
	{
		make -j"$(nproc)" module OUT=build/debug KDIR="$debug" W=1 VFW_KUNIT=1 &&
			make -j"$(nproc)" tool &&
			make -j"$(nproc)" -C userspace fuzzers build/fuzz/snapshot_mutate.so &&
			make -C selftests/fuzz
	} >> "$out/build.log" 2>&1 || { tail -n 20 "$out/build.log" >&2; die 'cannot build'; }
}

# KIND ARGUMENT...: one of the fuzzers that need the module, on a host.
on_host() {
	local kind=$1
	shift
	VFW_KO=$top/build/debug/vfw.ko selftests/lab/host.sh --kernel debug --mem 2G \
		--timeout $((seconds * 3 + 240)) --name "fuzz-$kind" --work "$out/$kind" \
		--env PYTHONDONTWRITEBYTECODE=1 -- \
		/usr/bin/python3 -u "$here/fuzz_$kind.py" "$@"
}

# What was under way when it failed was on the disk before it was begun.
keep() { # KIND
	local kept
	kept=$out/failed-$1-$seed-$(date +%s)
	[ -f "$out/$1/$1.batch" ] || return 0
	mv "$out/$1/$1.batch" "$kept"
	echo "fuzz: saved $kept"
	echo "fuzz: replay with: selftests/fuzz/run.sh replay $kept"
}

fuzz_kernel() { # KIND
	local status=0
	mkdir -p "$out/$1"
	rm -f "$out/$1/$1.batch"
	on_host "$1" "$seconds" "$seed" || status=$?
	[ "$status" -eq 0 ] && return
	echo "fuzz: $1: status $status"
	keep "$1"
	return 1
}

# libFuzzer keeps what it finds new in a directory of its own, so that a later run goes on.
fuzz_file() { # NAME SECONDS OPTION...
	local name=$1 time=$2 status=0 log=$out/files/$1.log
	shift 2
	mkdir -p "$out/files/$name"
	# The seeds of libFuzzer are numbers of 32 bits.
	ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 timeout $((time * 3 + 60)) \
		"$user/${name}_fuzz" -seed=$((seed % 4294967295 + 1)) -max_total_time="$time" \
		-timeout=20 -rss_limit_mb=2048 -print_final_stats=1 -max_len=4096 "$@" \
		-artifact_prefix="$out/failed-$name-" "$out/files/$name" \
		"userspace/fuzz/corpus/$name" > "$log" 2>&1 || status=$?
	sed -n "s/^stat::number_of_executed_units: */files: $name: seed $seed: /p" "$log"
	[ "$status" -eq 0 ] && return
	grep -a -m 1 -B 2 -A 25 -E 'ERROR:|runtime error:' "$log"
	sed -n 's/.*Test unit written to \(.*\)/fuzz: saved \1/p' "$log"
	sed -n 's/.*Test unit written to \(.*\)/fuzz: replay with: selftests\/fuzz\/run.sh replay \1/p' "$log"
	return 1
}

fuzz_files() {
	local status=0
	mkdir -p "$out/files"
	fuzz_file policy $(((seconds + 1) / 2)) -dict=userspace/fuzz/policy.dict || status=1
	fuzz_file snapshot $(((seconds + 1) / 2)) || status=1
	awk -F': ' '/^files: / {n += $4} END {print "files: " n + 0 " good"}' "$out/files.log"
	return $status
}

# A kind's own last word is "KIND: N good"; without it, it has failed.
run_kind() { # KIND
	if [ "$1" = files ]; then fuzz_files; else fuzz_kernel "$1"; fi > "$out/$1.log" 2>&1
}

report() { # KIND STATUS
	local count
	cat "$out/$1.log"
	count=$(sed -n "s/^$1: \([0-9]*\) good\$/\1/p" "$out/$1.log" | tail -n 1)
	counts[$1]=${count:-0}
	if [ "$2" -ne 0 ] || [ "${count:-0}" -eq 0 ]; then failures=$((failures + 1)); fi
}

run_all() { # KIND...
	local kind pid status
	local -A running=()
	for kind; do
		[ ${#running[@]} -lt 2 ] || wait_one
		run_kind "$kind" &
		running[$!]=$kind
	done
	while [ ${#running[@]} -gt 0 ]; do wait_one; done
	echo "fuzz: ${counts[netlink]} netlink, ${counts[packets]} packets," \
		"${counts[snapshots]} snapshots, ${counts[files]} files, $failures failures"
	[ "$failures" -eq 0 ]
}

wait_one() {
	status=0
	wait -n -p pid "${!running[@]}" || status=$?
	report "${running[$pid]}" "$status"
	unset "running[$pid]"
}

# A saved batch names its kind in its first line; anything else was for libFuzzer.
replay() {
	local file kind status=0
	for file; do
		kind=$(head -c 4096 "$file" | head -n 1 | tr -d '\0' |
			sed -n 's/^{"kind": "\([a-z]*\)".*/\1/p')
		case $kind in
		netlink|packets|snapshots)
			on_host "$kind" replay "$(realpath "$file")" || status=1 ;;
		*)
			case $file in *policy*) kind=policy ;; *) kind=snapshot ;; esac
			"$user/${kind}_fuzz" "$file" || status=1 ;;
		esac
	done
	return $status
}

seconds=60 seed=${FUZZ_SEED:-$(date +%s)}
case ${1:-} in
replay) shift; [ $# -gt 0 ] || die 'replay what?'; prepare; replay "$@"; exit ;;
short) seconds=4; shift ;;
[0-9]*) seconds=$1; shift ;;
esac
[ $# -gt 0 ] || set -- packets files netlink snapshots
for kind; do
	[ -n "${counts[$kind]:-}" ] || die "'$kind' is none of netlink, packets, snapshots, files"
done
prepare
echo "fuzz: seed $seed, $seconds s for each of: $*"
run_all "$@"
