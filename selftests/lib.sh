# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the tests have in common: . "$(dirname "$(realpath "$0")")/../lib.sh"
#
# A test prints a line "ok ..." or "not ok ..." for each of its cases (TAP) and ends with tap_end.
# It runs as root on a lab host of its own (lab/host.sh) with vfw.ko loaded and vfw-nl in PATH, so
# that it may do there what it likes.
#
# Most tests use the bench of lab/lib.sh, with one VM, "web", whose port is port0:
#
#   peer                        this namespace                        vm
#   [u1 10.0.0.1] ------- [u0  br0  port0] ------- [eth0 10.0.0.2]
#        fd00::1                                             fd00::2

set -u -o pipefail

: "${LAB_DIR:?run tests with selftests/run.sh, or on a lab host}"
# shellcheck source=selftests/lab/lib.sh
. "$LAB_DIR/lib.sh"

ENGINE=$(realpath "$LAB_DIR/../engine")
export PYTHONPATH=$ENGINE PYTHONDONTWRITEBYTECODE=1
VM=4b5fa27e-1d34-4a3c-9e0b-6f7f2d9c0a11
# shellcheck disable=SC2034 # for the tests
VM_B=9d3c1c02-77ab-4c8e-8f55-0a4b1e6d2b22
failed=0 ended=''
tmp=$(mktemp -d)

# Cases.

# A test that dies in the middle has failed, and what it started ends with its host.
# shellcheck disable=SC2317
on_exit() {
	local status=$?
	rm -rf "$tmp"
	[ -n "$ended" ] || { echo "not ok the test ran to its end (status $status)"; exit 1; }
}
trap on_exit EXIT

tap_end() {
	ended=1
	[ "$failed" -eq 0 ]
	exit
}

# pass TEXT, miss TEXT [DETAIL]: the outcome of a case.
pass() { echo "ok $1"; }
miss() {
	failed=$((failed + 1))
	echo "not ok $1"
	[ -z "${2:-}" ] || sed 's/^/#   /' <<< "$2"
}

# check TEXT COMMAND...: a case that is good if COMMAND succeeds; what that prints is shown if not.
# It runs in a subshell.
check() {
	local text=$1 out status=0
	shift
	out=$("$@" 2>&1) || status=$?
	if [ "$status" -eq 0 ]; then pass "$text"; else miss "$text" "status $status: $*
$out"; fi
}

# check_not TEXT COMMAND...: a case that is good if COMMAND fails.
check_not() {
	local text=$1 out
	shift
	if out=$("$@" 2>&1); then miss "$text" "succeeded: $*
$out"; else pass "$text"; fi
}

# check_same TEXT GOT WANTED
check_same() {
	if [ "$2" = "$3" ]; then pass "$1"; else miss "$1" "$(diff -U2 <(echo "$3") <(echo "$2") |
		sed '1,3d')"; fi
}

# check_refused TEXT STATUS PATTERN COMMAND...: good if COMMAND ends with STATUS and what it says
# on stderr matches PATTERN.
check_refused() {
	local text=$1 want=$2 pattern=$3 err status=0
	shift 3
	err=$("$@" 2>&1 > /dev/null) || status=$?
	if [ "$status" -eq "$want" ] && grep -qE -- "$pattern" <<< "$err"; then
		pass "$text"
	else
		miss "$text" "status $status, wanted $want, and /$pattern/ in: $err"
	fi
}

# between LEAST NUMBER MOST
between() { [ -n "$2" ] && [ "$1" -le "$2" ] && [ "$2" -le "$3" ]; }

# Programs.

# talk_begin NAME COMMAND...: start COMMAND, which answers what it is told; a number is put into
# talk_pid.
declare -A talk_to talk_from
talk_begin() {
	local name=$1 to from
	shift
	mkfifo "$tmp/$name.to" "$tmp/$name.from"
	exec {to}<> "$tmp/$name.to" {from}<> "$tmp/$name.from"
	talk_to[$name]=$to talk_from[$name]=$from
	"$@" <&"$to" >&"$from" 2> /dev/null &
	# shellcheck disable=SC2034 # for the tests
	talk_pid=$!
}

# talk NAME TEXT [SECONDS]: is what is told answered, with the same text?
talk() {
	local answer
	echo "$2" >&"${talk_to[$1]}"
	read -r -t "${3:-20}" answer <&"${talk_from[$1]}" && [ "$answer" = "$2" ]
}

# listens NAMESPACE PORT [t|u]: is there a server?
listens() { on "$1" ss -Hln"${3:-t}" "sport = $2" | grep -q .; }

# The VM.

# In another namespace of the network.
on() { ip netns exec "$@"; }

# quiet_bench: the bench, in which nobody speaks unasked, so that packets can be counted: no
# router solicitations, no reports of groups, neighbours known; and the bridge lets malformed
# packets through.
quiet_bench() {
	echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
	for switch in /proc/sys/net/bridge/bridge-nf-call-*; do
		[ ! -e "$switch" ] || echo 0 > "$switch"
	done
	lab_bench || lab_die 'no bench'
	quiet_end vm eth0 1
	quiet_end peer u1 2
}

# NAMESPACE: what sends there only what somebody asked for.
silence() {
	on "$1" nft 'add table ip6 quiet
		add chain ip6 quiet out { type filter hook output priority 0; }
		flush chain ip6 quiet out
		add rule ip6 quiet out icmpv6 type { 130-133, 143 } drop' || lab_die 'no nft'
}

# NAMESPACE DEVICE LAST_PART_OF_THE_OTHER_ENDS_ADDRESS
quiet_end() {
	silence "$1"
	ip -n "$1" addr flush dev "$2" scope link # it may be looking for duplicates of it still
	ip -n "$1" neigh replace "10.0.0.$3" lladdr "02:00:00:00:00:0$3" dev "$2"
	ip -n "$1" neigh replace "fd00::$3" lladdr "02:00:00:00:00:0$3" dev "$2"
}

# vm_begin: the quiet bench, and its VM declared.
vm_begin() {
	quiet_bench
	vfw-nl vm add "$VM" name web || lab_die 'no VM'
	vfw-nl port add port0 vm "$VM" || lab_die 'no port'
}

# policy [STATEMENT]...: load a policy of these lines, or of standard input.
policy() {
	if [ $# -gt 0 ]; then printf '%s\n' "$@"; else cat; fi | vfw-nl policy load "$VM" -
}

# All drops so far, a line "REASON DIRECTION NUMBER" for each that is not 0.
drops() {
	vfw-nl stats show "${1:-$VM}" | awk '$1 == "drop" {
		if ($4) print $2, "in", $4
		if ($6) print $2, "out", $6
	}'
}

# drop_count REASON in|out
drop_count() {
	drops | awk -v r="$1" -v d="$2" '$1 == r && $2 == d {n = $3} END {print n + 0}'
}

# drops_since FILE: what was added to the drops that were written to FILE.
drops_since() {
	drops | awk 'FILENAME != "-" {was[$1 " " $2] = $3; next}
		$3 != was[$1 " " $2] {print $1, $2, $3 - was[$1 " " $2]}' "$1" -
}

# dropped REASON in|out COMMAND...: does COMMAND fail, with drops for this reason in this direction
# and for no other?
dropped() {
	local reason=$1 dir=$2 out
	shift 2
	drops > "$tmp/drops"
	if out=$("$@" 2>&1); then echo "went through: $*"; return 1; fi
	out+=$'\n'$(drops_since "$tmp/drops")
	echo "$out"
	grep -q "^$reason $dir " <<< "$out" &&
		! drops_since "$tmp/drops" | grep -v -q "^$reason $dir "
}

# flow KEY...: the first flow that fits, with details; fails if there is none.
flow() {
	local out
	out=$(vfw-nl -n -s flow show "$VM" "$@") && [ -n "$out" ] && echo "$out"
}

# flow_field FIELD KEY...: a number of the first flow that fits, by its name in JSON.
flow_field() {
	local field=$1
	shift
	vfw-nl -j flow show "$VM" "$@" | grep -o "\"$field\":[0-9]*" | head -n 1 | cut -d: -f2
}

# vm_field FIELD: a field of the VM, by its name in JSON.
vm_field() {
	vfw-nl -j vm show "$VM" | grep -oP "\"$1\":\"?\K[^,\"}]*" | head -n 1
}

# no_complaints: has the kernel nothing to say but what netdevs always say?
no_complaints() {
	! dmesg -l emerg,alert,crit,err,warn | grep -vE "$1"
}
