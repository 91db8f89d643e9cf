#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The tool as a whole, as far as it goes without the kernel module.
#
#   tool_test.sh BUILD_DIRECTORY

set -u
build=$1
tool=$build/vfw-nl
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
cases=0 failures=0

fail() {
	echo "FAIL: $*"
	failures=$((failures + 1))
}

# code CODE TEXT COMMAND...: it exits with CODE and says TEXT on stderr
code() {
	want=$1 text=$2
	shift 2
	cases=$((cases + 1))
	"$@" > "$box/out" 2> "$box/err" < /dev/null
	got=$?
	[ "$got" = "$want" ] || fail "$*: exit $got, not $want; $(cat "$box/err")"
	[ -z "$text" ] || grep -qF -- "$text" "$box/err" || fail "$*: it did not say '$text': $(cat "$box/err")"
	case $want in
	0) [ ! -s "$box/err" ] || fail "$*: it said $(cat "$box/err")" ;;
	*) [ -s "$box/err" ] || fail "$*: it said nothing" ;;
	esac
}

json() {
	cases=$((cases + 1))
	"$@" > "$box/json" 2> "$box/err"
	python3 -m json.tool < "$box/json" > "$box/pretty" || fail "$*: no JSON"
}

usage() {
	code 1 "an object and a command expected" "$tool"
	code 1 "unrecognized option" "$tool" --no-such
	code 1 "requires an argument" "$tool" -b
	code 1 "'vms' is no object" "$tool" vms show
	code 1 "vm has no command 'list'" "$tool" vm list
	code 1 "vm needs a command" "$tool" vm
	code 1 "'x' is no UUID" "$tool" vm add x
	code 1 "the VM's UUID expected" "$tool" vm add
	code 1 "'nme' is not known here; expected" "$tool" vm add \
		5bd05e7c-1122-4344-8566-778899aabbcc nme x
	code 1 "need the word 'hold'" "$tool" vm add \
		5bd05e7c-1122-4344-8566-778899aabbcc time 1
	code 1 "'time 0': expected a number from 1 to 3600000" "$tool" vm add \
		5bd05e7c-1122-4344-8566-778899aabbcc hold time 0
	code 1 "'expiry x': expected stay-closed or start-empty" "$tool" vm add \
		5bd05e7c-1122-4344-8566-778899aabbcc hold expiry x
	code 1 "expected file FILE" "$tool" snapshot restore
	code 1 "expected OLD=NEW" "$tool" snapshot restore file x port tap0
	code 1 "/no/such" "$tool" snapshot info /no/such
	code 1 "too many" "$tool" snapshot info a b
}

help_pages() {
	code 0 "" "$tool" --help
	code 0 "" "$tool" -V
	for object in vm port policy flow snapshot stats monitor; do
		code 0 "" "$tool" $object help
		head -n 1 "$box/out" | grep -q "vfw-nl $object" || fail "help of $object"
	done
}

batches() {
	printf '# nothing\n\nsnapshot help\nvms show\nsnapshot help\n' > "$box/batch"
	code 1 "$box/batch:4: 'vms' is no object" "$tool" -b "$box/batch"
	[ "$(grep -c '^Usage' "$box/out")" = 1 ] || fail "a batch went on after an error"
	code 1 "$box/batch:4:" "$tool" -f -b "$box/batch"
	[ "$(grep -c '^Usage' "$box/out")" = 2 ] || fail "a batch did not go on with -f"
	printf 'vm add "x\n' > "$box/batch"
	code 1 "a quote is not closed" "$tool" -b "$box/batch"
	code 1 "-b takes its commands from the file" "$tool" -b "$box/batch" vm show
	code 1 "/no/such" "$tool" -b /no/such
	cases=$((cases + 1))
	echo 'snapshot help' | "$tool" -b - > "$box/out" || fail "a batch from a pipe"
}

no_module() {
	grep -q '^vfw ' /proc/modules 2> /dev/null && return
	code 2 "modprobe vfw" "$tool" vm show
	code 2 "modprobe vfw" "$tool" monitor
	code 2 "modprobe vfw" "$tool" stats show
	"$build/tests/stream_gen" 1 1 1 1 > "$box/one"
	code 2 "modprobe vfw" "$tool" snapshot restore file "$box/one"
	code 2 "modprobe vfw" "$tool" snapshot save \
		5bd05e7c-1122-4344-8566-778899aabbcc file "$box/saved"
	[ ! -e "$box/saved" ] || fail "a file of a save that failed"
}

snapshots() {
	"$build/tests/stream_gen" 3 4 2 2 odd > "$box/good"
	code 0 "" "$tool" snapshot info "$box/good"
	grep -q "all checked: 10 frames 2 ports 3 rules 4 IPv4 flows 2 IPv6 flows 2 flows in VLANs" "$box/out" ||
		fail "totals: $(tail -n 1 "$box/out")"
	grep -q "^port macvtap0 type mirrored trunk$" "$box/out" || fail "a trunk"
	grep -q "^tcp 10.0.0.0:.* vlan 1 vlan-type 802.1ad vlan-inner 4094 tcp-" "$box/out" ||
		fail "a flow in two VLANs: $(grep vlan "$box/out")"
	LC_ALL=C grep -q "[$(printf '\033')]" "$box/out" && fail "a control character came through"
	cases=$((cases + 1))
	"$tool" snapshot info - < "$box/good" > /dev/null || fail "info from a pipe"
	json "$tool" -j snapshot info "$box/good"
	json "$tool" -j -p snapshot info "$box/good"
	python3 - "$box/json" << 'END' || fail "what is in the JSON"
import json, sys
s = json.load(open(sys.argv[1]))
assert s["uuid"] == "5bd05e7c-1122-4344-8566-778899aabbcc" and s["frozen"] is True
assert [p["type"] for p in s["port"]] == ["host", "mirrored"]
assert s["policy"]["default-out"] == "reject" and s["policy"]["timeouts"]["icmp"] == 7450
assert s["policy"]["rule"][0]["remote-ports"] == [{"first": 1024, "last": 65535}]
assert s["policy"]["rule"][1]["remote"] == "172.16.0.0"
assert s["policy"]["rule"][0]["comment"] == 'web "and" more'
assert s["stats"]["drop"][1] == {"reason": "icmp-reply", "in-packets": 0, "out-packets": 8}
assert s["stats"]["flows-evicted"] == 77 and s["stats"]["held"] == 0
assert [p["trunk"] for p in s["port"]] == [False, True]
assert len(s["flow"]) == 8 and s["flow"][0]["tcp-local"]["scale"] == 9
assert s["flow"][0]["state"] == "tcp-established" and s["flow"][3]["opened"] == "out"
assert s["flow"][4]["family"] == "ipv6" and "tcp-local" not in s["flow"][3]
assert s["flow"][6]["vlan"] == 1 and s["flow"][6]["vlan-type"] == 0x88a8
assert s["flow"][6]["vlan-inner"] == 4094 and s["flow"][6]["vlan-inner-type"] == 0x8100
assert s["flow"][7]["vlan"] == 2 and "vlan-inner" not in s["flow"][7]
assert s["end"]["flows-tagged"] == 2 and "vlan" not in s["flow"][0]
assert s["name"] == "web" and s["creator"] == 'w"eb\x1b[31m \u00e9\ufffd'
END
	# What is damaged halfway still gives whole JSON, and the place.
	size=$(stat -c %s "$box/good")
	for cut in 100 300 700 1000 $((size - 1)); do
		head -c "$cut" "$box/good" > "$box/cut"
		code 1 "frame " "$tool" snapshot info "$box/cut"
		json "$tool" -j snapshot info "$box/cut"
		code 1 "frame " "$tool" snapshot restore file "$box/cut"
	done
	code 1 "not of 00000000-1122-4344-8566-778899aabbcc" "$tool" snapshot restore \
		00000000-1122-4344-8566-778899aabbcc file "$box/good"
	code 1 "the snapshot has no port eth0" "$tool" snapshot restore \
		file "$box/good" port eth0=tap0
	code 1 "two ports would be named macvtap0" "$tool" snapshot restore \
		file "$box/good" port tap0=macvtap0
	"$build/tests/stream_gen" 3 4 2 2 1 32 02000000 > "$box/live"
	code 1 "frame 0, byte 56: this is a live stream" "$tool" snapshot info "$box/live"
	code 1 "frame 0, byte 56: this is a live stream" "$tool" snapshot restore file "$box/live"
	"$tool" snapshot restore file - < "$box/live" > "$box/out" 2>&1 &&
		fail "a live stream was restored"
	grep -q "this is a live stream" "$box/out" || fail "from a pipe: $(cat "$box/out")"
}

# faulty TEXT TYPE AT HEX: other bytes in the records of a frame, for which info says TEXT
faulty() {
	"$build/tests/stream_gen" 3 4 2 2 "$2" "$3" "$4" > "$box/faulty" || fail "stream_gen: $*"
	code 1 "$1" "$tool" snapshot info "$box/faulty"
	grep -q "all checked" "$box/out" && fail "$1: all checked"
}

# What the kernel would refuse for what a record holds. The fourth flow of IPv4 is of UDP; the first
# rule has ports.
records() {
	faulty "the name is not UTF-8 without control characters" 2 0 1b5b6d
	faulty "the name is none that a netdev can have" 3 0 612f2062
	faulty "ranges of ports in a rule whose protocol has none" 5 2 0001000000
	faulty "a local port in a flow of protocol 47" 7 312 2f03
	faulty "a flow of protocol 47 cannot be in state stream" 7 308 000000002f03
	faulty "the protocol is 58, in a flow of ipv4" 7 308 000000003a01
	faulty "the largest window 0 is not from 1 to" 7 52 \
		3f3f0000000000000000000000000000000000000000000000000000
}

# The policy that info prints is one that can be loaded.
policies() {
	"$build/tests/stream_gen" 20 0 0 0 | "$tool" snapshot info - |
		sed -n '/^policy of/,/^statistics/{/^policy of/d; /^statistics/d; p}' > "$box/policy"
	code 0 "" "$tool" policy check "$box/policy"
}

full_disk() {
	[ -w /dev/full ] || return
	cases=$((cases + 1))
	"$tool" --help > /dev/full 2> "$box/err" && fail "a full disk went unnoticed"
	grep -q "stdout: No space left" "$box/err" || fail "a full disk: $(cat "$box/err")"
}

usage
help_pages
batches
no_module
snapshots
records
policies
full_disk
echo "tool_test: $cases cases, $failures failed"
[ "$failures" = 0 ]
