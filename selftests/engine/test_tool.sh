#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vfw-nl with the module: what it prints, where, and how it ends.
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

# Things to show: a flow, drops, rules.
prepare() {
	policy 'pass in icmp comment "ping \"me\""' 'drop in udp local port 1-9, 53' 'default out pass' \
		'pass in ipv6 tcp remote fd00::/64 local port 80' 'timeout icmp 30s'
	on peer ping -c 1 -W 5 10.0.0.2 > /dev/null
	on peer nc -u -w 1 10.0.0.2 53 <<< x
}

# json EXPRESSION COMMAND...: is what it prints JSON, of which this holds?
json() {
	local expression=$1
	shift
	vfw-nl "$@" | tee "$tmp/json" | /usr/bin/python3 -c "import json, sys
x = json.load(sys.stdin)
assert ($expression), x" || { cat "$tmp/json"; return 1; }
}

test_json() {
	check 'vm show' json "x[0]['uuid'] == '$VM' and x[0]['name'] == 'web' and x[0]['ports'] == 1 and
		x[0]['state'] == 'active' and x[0]['rules'] == 3" -j vm show
	check 'vm show VM' json "len(x) == 1 and x[0]['flows'] == 1" -j vm show "$VM"
	check 'port show' json "x[0]['name'] == 'port0' and x[0]['vm'] == '$VM' and
		x[0]['type'] == 'host' and x[0]['state'] == 'present' and x[0]['ifindex'] > 0" -j port show
	check 'port show vm VM' json "len(x) == 1" -j port show vm web
	check 'policy show' json "len(x['rules']) == 3 and x['default-out'] == 'pass' and
		x['rules'][0]['comment'] == 'ping \"me\"' and x['rules'][0]['action'] == 'pass'" \
		-j policy show web
	check 'flow show' json "x[0]['remote'] == '10.0.0.1' and x[0]['local'] == '10.0.0.2' and
		x[0]['opened'] == 'in' and x[0]['in-packets'] == 1 and x[0]['out-bytes'] == 84 and
		x[0]['rule'] == 1 and x[0]['state'] == 'replied'" -j flow show web
	check 'stats show' json "x[0]['drop'] == [{'reason': 'rule', 'in-packets': 1,
		'out-packets': 0}] and x[0]['in-packets'] == 1" -j stats show web
	check 'with all reasons' json "len(x[0]['drop']) >= 25" -j -s stats show web
	vfw-nl vm freeze web
	check 'snapshot save' json "x['flows'] == 1 and x['rules'] == 3" \
		-j snapshot save web file "$tmp/state"
	check 'snapshot info' json "x" -j -s snapshot info "$tmp/state"
	vfw-nl vm thaw web
	check 'flow flush' json "x['count'] == 1" -j flow flush web
	check 'nothing to show' json "x == []" -j flow show web
	check 'with line breaks' json "x[0]['name'] == 'web'" -j -p vm show
	check 'of more than one line' [ "$(vfw-nl -j -p vm show | grep -c .)" -gt 5 ]
}

test_text() {
	check_same 'vm show' "$(vfw-nl vm show)" \
		"$VM name web state active ports 1 rules 3 flows 0"
	check_same 'port show' "$(vfw-nl port show)" "port0 vm $VM type host state present"
	check 'options at length' vfw-nl --json --pretty --statistics --numeric vm show
	check 'help goes to stdout' grep -q 'OBJECT' <(vfw-nl --help 2> /dev/null)
	for object in vm port policy flow snapshot stats monitor; do
		check "help of $object" grep -q "^Usage: vfw-nl $object" \
			<(vfw-nl "$object" help 2> /dev/null)
	done
	check 'version' grep -qE '^vfw-nl [0-9.]+$' <(vfw-nl -V)
}

# What is wrong, and what it says: status 1 for what the tool sees, 2 for what the kernel does.
test_errors() {
	local none=00000000-0000-4000-8000-000000000000
	check_refused 'no command' 1 'object' vfw-nl
	check_refused 'no such object' 1 "'wm'" vfw-nl wm show
	check_refused 'no such command' 1 "'shew'.*show" vfw-nl vm shew
	check_refused 'no such option' 1 'option' vfw-nl -x vm show
	check_refused 'no UUID' 1 "'web2'" vfw-nl vm add web2
	check_refused 'no such key' 1 "'nmae'.*name" vfw-nl vm add "$none" nmae x
	check_refused 'a key without value' 1 'name' vfw-nl vm add "$none" name
	check_refused 'a key twice' 1 'name' vfw-nl vm add "$none" name a name b
	check_refused 'a word too many' 1 "'now'" vfw-nl vm del "$none" now
	check_refused 'a number out of range' 1 'packets' vfw-nl vm add "$none" hold packets 0
	check_refused 'a file that is not there' 1 'No such file' vfw-nl policy load web "$tmp/none"
	check_refused 'the place in a policy' 1 ':2:' vfw-nl policy load web - <<< $'pass in\npass up'
	check_refused 'a VM that is there' 2 'attribute uuid' vfw-nl vm add "$VM"
	check_refused 'a VM that is not' 2 'attribute uuid' vfw-nl vm del "$none"
	check_refused 'a name that no VM has' 2 "'db'" vfw-nl vm show db
	check_refused 'a name that is too long' 1 'name' \
		vfw-nl vm add "$none" name "$(printf 'x%.0s' {1..64})"
	check_refused 'a port that is there' 2 'attribute name' vfw-nl port add port0 vm web
	check_refused 'a port that is not' 2 'attribute name' vfw-nl port del port9
	check_refused 'a netdev that can be none' 2 'attribute name' vfw-nl port add lo vm web
	check_refused 'another policy than expected' 2 'epoch' \
		vfw-nl policy load web - epoch 77 <<< 'pass in'
	check_refused 'thawing what is not frozen' 2 'frozen' vfw-nl vm thaw web
	check_refused 'without the privilege' 2 'CAP_NET_ADMIN' \
		setpriv --reuid=65534 --clear-groups vfw-nl vm show
	check_same 'and nothing has changed' "$(vfw-nl vm show)" \
		"$VM name web state active ports 1 rules 3 flows 0"
}

test_names() {
	vfw-nl vm set web name 'the web'
	check 'a name with a blank' vfw-nl vm show 'the web'
	vfw-nl vm add "$VM_B" name 'the web'
	check_refused 'a name of two VMs' 1 'UUID' vfw-nl vm show 'the web'
	check 'their UUIDs tell them apart' vfw-nl vm del "$VM_B"
	vfw-nl vm set "$VM" name web
}

test_batch() {
	cat > "$tmp/batch" <<- EOF
		# a comment, and an empty line

		vm add $VM_B name "two words"
		port add none0 vm 'two words'
		port show none0
	EOF
	check_same 'a batch' "$(vfw-nl -b "$tmp/batch")" \
		"none0 vm $VM_B state absent"
	check_refused 'ends at the first error, and says where' 2 "$tmp/batch:3:" \
		vfw-nl -b "$tmp/batch"
	printf 'vm del %s\nvm shew\nport show\n' "$VM_B" > "$tmp/batch"
	check_refused 'or goes on' 1 'batch:2:' vfw-nl -f -b "$tmp/batch"
	check_same 'with the rest' "$(vfw-nl -f -b "$tmp/batch" 2> /dev/null)" \
		"port0 vm $VM type host state present"
	check_same 'the highest status counts' "$(vfw-nl -f -b "$tmp/batch" 2> /dev/null; echo $?)" \
		"port0 vm $VM type host state present
2"
	check_same 'from standard input' "$(echo 'vm show web' | vfw-nl -b - | cut -d' ' -f2,3)" \
		'name web'
	check 'each command'\''s JSON is a line' [ "$(printf 'vm show\nport show\n' |
		vfw-nl -j -b - | grep -c '^\[.*\]$')" -eq 2 ]
}

test_monitor() {
	# Else what a shell starts in the background does not hear SIGINT.
	env --default-signal=INT vfw-nl -j monitor >> "$tmp/events" 2> "$tmp/errors" & local json=$!
	env --default-signal=INT vfw-nl monitor >> "$tmp/text" & local text=$!
	wait_for 10 heard
	vfw-nl -b - <<- EOF
		vm add $VM_B name b
		port add late0 vm b
		policy load b $tmp/policy
		vm freeze b
		vm thaw b
		vm set b name c
		vm del c
	EOF
	wait_for 10 grep -q vm-del-ntf "$tmp/events"
	check_same 'events come in their order' \
		"$(grep -o '"name":"[a-z-]*-ntf"' "$tmp/events" | cut -d'"' -f4 | xargs)" \
		"vm-ntf port-ntf policy-ntf vm-ntf vm-ntf vm-ntf port-del-ntf vm-del-ntf"
	check 'each is JSON' /usr/bin/python3 -c "import json
for line in open('$tmp/events'): json.loads(line)"
	wait_for 10 grep -q '^deleted vm' "$tmp/text"
	check 'and text' grep -q "^port late0 vm $VM_B" "$tmp/text"
	ip link add late0 type dummy
	ip link del late0
	kill -INT "$json" "$text"
	wait "$json"
	check_same 'Ctrl-C ends it, without a word' "$? $(cat "$tmp/errors")" '130 '
	wait
}

# Both have been heard when a first event has come to them.
heard() {
	vfw-nl vm set web name web
	[ -s "$tmp/events" ] && [ -s "$tmp/text" ] && : > "$tmp/events" && : > "$tmp/text"
}

test_without_module() {
	vfw-nl vm del web
	rmmod vfw
	check_refused 'without the module it says so' 2 'module' vfw-nl vm show
	check 'and can check a policy' vfw-nl policy check - <<< 'pass in tcp local port 22'
	check 'and a snapshot' vfw-nl snapshot info "$tmp/state"
}

vm_begin
prepare
test_json
test_text
test_errors
test_names
test_batch
echo 'pass in' > "$tmp/policy"
test_monitor
test_without_module
tap_end
