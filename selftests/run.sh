#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the Makefile's test targets run.
#
#   run.sh all | build | style | tool | kunit | selftests [NAME...] | differential | races | fuzz |
#          move | demo | lab
#
# Every step's output is kept in build/check/STEP.log; a step that fails shows the end of it.
# A step that prints TAP ("ok ..." and "not ok ..." at the beginning of a line) counts with each
# of these lines, another one as one test. The last line is "N passed, N failed, N skipped".
set -uo pipefail

top=$(realpath "$(dirname "$0")/..")
cd "$top" || exit 1
lab=selftests/lab logs=build/check
passed=0 failed=0 skipped=0 jobs=-j$(nproc)
declare -a broken=()

die() { echo "check: $*" >&2; exit 1; }

# Of a finished step: add what it says, or the step itself, to the totals. KUnit's suites are
# lines of TAP, but its cases are what counts; they are in the summary of kunit.sh.
count() { # STATUS LOG
	local ok not_ok skip summary
	summary=$(sed -n 's/^kunit: [0-9]* suites, \([0-9]*\) cases passed, \([0-9]*\) failed, \([0-9]*\) skipped.*/\1 \2 \3/p' "$2")
	if [ -n "$summary" ]; then
		read -r ok not_ok skip <<< "$summary"
		ok=$((ok + skip))
	else
		ok=$(grep -cE '^ok ' "$2") not_ok=$(grep -cE '^not ok ' "$2")
		skip=$(grep -ciE '^ok .*# SKIP' "$2")
	fi
	if [ $((ok + not_ok)) -eq 0 ]; then
		if [ "$1" -eq 0 ]; then ok=1; else not_ok=1; fi
	elif [ "$1" -ne 0 ] && [ "$not_ok" -eq 0 ]; then
		not_ok=1
	fi
	passed=$((passed + ok - skip)) failed=$((failed + not_ok)) skipped=$((skipped + skip))
	tally="$((ok - skip)) passed, $not_ok failed, $skip skipped"
	[ "$not_ok" -eq 0 ]
}

# Run a step and keep what it says and how it ended, for report().
run_step() { # NAME COMMAND...
	local name=$1 begin=$SECONDS status=0
	shift
	"$@" > "$logs/$name.log" 2>&1 < /dev/null || status=$?
	echo "$status $((SECONDS - begin))" > "$logs/$name.result"
}

# The cases of a log that failed, each with the comments behind it that say why.
failures() { # LOG
	awk '/^not ok /{ why = 20; print; next } /^#/{ if (why-- > 0) print; next } { why = 0 }' "$1"
}

report() { # NAME
	local name=$1 log=$logs/$1.log status seconds
	read -r status seconds < "$logs/$name.result"
	if count "$status" "$log"; then
		printf '%-28s %-40s %4d s\n' "$name" "$tally" "$seconds"
	else
		printf '%-28s FAILED (%s; status %d; %s) %4d s\n' "$name" "$tally" "$status" "$log" \
			"$seconds"
		failures "$log" | head -n 40
		tail -n 25 "$log" | sed 's/^/    | /'
		broken+=("$name")
		return 1
	fi
}

step() { # NAME COMMAND...
	[ -t 1 ] && printf '%-28s ...\r' "$1"
	run_step "$@"
	report "$1"
}

# Steps that do not disturb each other: as many at a time as there are CPUs.
declare -A running=()

later() { # NAME COMMAND...
	while [ ${#running[@]} -ge "$(nproc)" ]; do wait_one; done
	run_step "$@" &
	running[$!]=$1
}

wait_one() {
	local pid
	wait -n -p pid "${!running[@]}"
	report "${running[$pid]}"
	unset "running[$pid]"
}

wait_all() {
	while [ ${#running[@]} -gt 0 ]; do wait_one; done
}

# A build that prints a warning has failed.
without_warning() {
	local log
	log=$(mktemp)
	"$@" 2>&1 | tee "$log"
	local status=${PIPESTATUS[0]}
	if grep -iE 'warning' "$log" | grep -vE 'BTF|clock skew' > /dev/null; then
		echo 'the build printed warnings'
		status=1
	fi
	rm -f "$log"
	return "$status"
}

# Debian's own headers: the newest installed that are of this release's kernel.
distribution_headers() {
	local dir newest=
	for dir in /usr/src/linux-headers-*-amd64; do
		[ -f "$dir/Makefile" ] && newest=$dir
	done
	[ -n "$newest" ] || die 'no /usr/src/linux-headers-*-amd64 (package linux-headers-amd64)'
	echo "$newest"
}

prepare() {
	mkdir -p "$logs"
	"$lab/packages.sh" "$@" || die 'packages are missing'
}

kernels() {
	plain=$("$lab/kernel.sh" plain) || die 'no lab kernel'
	debug=$("$lab/kernel.sh" debug) || die 'no lab kernel'
}

build_plain() {
	step build-plain without_warning make "$jobs" module OUT=build/plain KDIR="$plain" W=1 &&
		step build-tool without_warning make "$jobs" tool
}

build() {
	step build-headers without_warning make "$jobs" module OUT=build/headers \
		KDIR="$(distribution_headers)" W=1
	build_plain
	step build-debug without_warning make "$jobs" module OUT=build/debug KDIR="$debug" W=1 \
		VFW_KUNIT=1
}

style() {
	later style selftests/style.sh "$(distribution_headers)"
	later spec selftests/check-spec.sh
	later dkms selftests/dkms.sh "$(distribution_headers)"
}

tool() {
	later tool-tests make -C userspace check
}

kunit() {
	VFW_KO=$top/build/debug/vfw.ko later kunit "$lab/kunit.sh" build/debug/vfw_kunit.ko
	later classify selftests/classify/run.sh short
}

# The tests of these names, which may begin with "test_", or all: lines of name and script.
scripts() {
	local name found
	for name in "${@:-*}"; do
		name=${name#test_}
		found=$(compgen -G "selftests/*/test_$name.sh") || die "no test named '$name'"
		sed 's|.*/test_\(.*\)\.sh$|\1 &|' <<< "$found"
	done
}

# Each script of selftests/ on a host of its own, under the debug kernel.
selftests() { # LINE_OF_SCRIPTS
	local script name
	while read -r name script; do
		VFW_KO=$top/build/debug/vfw.ko later "test-$name" "$lab/host.sh" --kernel debug --mem 2G \
			--timeout 600 -- "$top/$script"
	done <<< "$1"
}

skip() { # NAME WHY
	step "$1" echo "ok $1 # SKIP $2"
}

build_smp_debug() {
	step build-smp-debug without_warning make "$jobs" module OUT=build/smp-debug \
		KDIR="$smp_debug" W=1 VFW_KUNIT=1
}

# On two CPUs that check all they can: what races with what, in the flow table and everywhere.
races() { # SECONDS
	VFW_KO=$top/build/smp-debug/vfw.ko later kunit-smp "$lab/kunit.sh" --kernel smp-debug \
		--suites 'vfw_flow*' build/smp-debug/vfw_kunit.ko
	wait_all
	VFW_KO=$top/build/smp-debug/vfw.ko later races-smp "$lab/host.sh" --kernel smp-debug --mem 2G \
		--timeout $(($1 + 900)) --env "RACES_SECONDS=$1" -- "$top/selftests/races/test_races.sh"
	wait_all
}

# Not worth building a kernel for: without it they are raced on the debug kernel alone.
races_if_cached() {
	local status=0
	smp_debug=$("$lab/kernel.sh" smp-debug cached) || status=$?
	if [ "$status" -eq 3 ]; then
		skip kunit-smp 'no smp-debug kernel is built'
		skip races-smp 'no smp-debug kernel is built'
	elif [ "$status" -ne 0 ]; then
		step kernel-smp-debug "$lab/kernel.sh" smp-debug cached
	else
		build_smp_debug && races 25
	fi
}

differential() {
	later differential selftests/differential/run.sh short
}

# It runs two things at a time itself.
fuzz() {
	wait_all
	step fuzz selftests/fuzz/run.sh short
}

move() {
	VFW_KO=$top/build/plain/vfw.ko VFW_NL=$top/userspace/build/vfw-nl \
		step move selftests/demo/demo.sh --check
}

summary() {
	wait_all
	[ ${#broken[@]} -eq 0 ] || echo "failed steps: ${broken[*]}"
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

what=${1:-all}
[ $# -gt 0 ] && shift
[ $# -eq 0 ] || [ "$what" = selftests ] || die "$what: takes no names"
case $what in
all)
	prepare build test demo fuzz; kernels
	build; style; tool; kunit; differential; selftests "$(scripts)"; races_if_cached; fuzz
	wait_all # the move is alone: a guest under emulation has little time to spare
	move
	summary ;;
build) prepare build; kernels; build; summary ;;
style) prepare build test; kernels; style; summary ;;
tool) prepare build test; tool; summary ;;
kunit) prepare build test; kernels; build && kunit; summary ;;
selftests)
	found=$(scripts "$@") || exit 1
	prepare build test; kernels; build && selftests "$found"; summary ;;
races)
	prepare build test; smp_debug=$("$lab/kernel.sh" smp-debug) || die 'no lab kernel'
	build_smp_debug && step build-tool without_warning make "$jobs" tool &&
		races "${RACES_SECONDS:-180}" && sed -n '/^# /p' "$logs/races-smp.log"
	summary ;;
fuzz) prepare build test fuzz; kernels; build_plain; fuzz; summary ;;
differential) prepare build test; kernels; build_plain && differential; summary ;;
move) prepare build demo; kernels; build_plain && move; summary ;;
demo)
	prepare build demo; plain=$("$lab/kernel.sh" plain) || die 'no lab kernel'
	echo 'building vfw.ko and vfw-nl'
	build_plain > "$logs/demo-build.log" || { cat "$logs/demo-build.log"; exit 1; }
	VFW_KO=$top/build/plain/vfw.ko VFW_NL=$top/userspace/build/vfw-nl exec selftests/demo/demo.sh ;;
lab)
	prepare build test; plain=$("$lab/kernel.sh" plain) || die 'no lab kernel'
	build_plain || exit 1
	VFW_KO=$top/build/plain/vfw.ko exec "$lab/shell.sh" ;;
*) die "'$what' is not something to run: all build style tool kunit selftests differential races fuzz move demo lab" ;;
esac
