#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Policies: which packets rules match, what their actions do, and what a new policy does to
# connections that live.
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

# Connections as programs see them.

connect() { on "$1" nc -z -w "${4:-5}" "$2" "$3"; }

# refused NAMESPACE ADDRESS PORT: is it at once, and not after nc's patience?
refused() {
	local begin=${EPOCHREALTIME/[.,]/} out
	if out=$(on "$1" nc -v -z -w 20 "$2" "$3" 2>&1); then echo "$out"; return 1; fi
	echo "$out"
	grep -q 'Connection refused' <<< "$out" &&
		[ $((${EPOCHREALTIME/[.,]/} - begin)) -lt 5000000 ]
}

serve() {
	ip netns exec "$1" socat "$2" SYSTEM:cat > /dev/null 2>&1 &
	server=$!
	wait_for 5 listens "$1" "${3:-7000}"
}

test_reject() {
	policy 'pass both icmp' 'reject in tcp local port 7000-7003' \
		'reject out tcp remote port 7000' 'reject both udp' 'reject in gre'
	check 'reject in: a TCP client is refused at once' refused peer 10.0.0.2 7000
	check 'reject in: the same with IPv6' refused peer fd00::2 7000
	check 'reject out: a TCP client in the VM is refused at once' refused vm 10.0.0.1 7000
	check 'reject out: the same with IPv6' refused vm fd00::1 7000
	check_same 'each is counted as rejected' "$(drops | sort)" "rule-reject in 2
rule-reject out 2"
	policy 'default in reject' 'default out reject'
	check 'default in reject' refused peer 10.0.0.2 7001
	check 'default out reject' refused vm fd00::1 7001
	check 'the default verdict is counted as such' grep -q '^default in 1$' <(drops)
}

test_replacement() {
	local before
	serve vm TCP-LISTEN:7000,fork,reuseaddr
	policy 'pass in tcp local port 7000-7010' 'pass both icmp'
	talk_begin client ip netns exec peer socat -t 1 - TCP:10.0.0.2:7000
	check 'a connection is opened' talk client one
	policy 'drop in udp' 'pass in tcp local port 7000'
	check 'and goes on when another rule of the next policy lets it in' talk client two
	check_same 'under that rule' "$(flow_field rule state tcp-established)" 2
	policy
	before=$(drop_count policy-change in)
	check_not 'and is cut by a policy that does not' talk client three 1
	check 'for policy-change' [ "$(drop_count policy-change in)" -gt "$before" ]
	check_same 'its flow is gone' "$(vfw-nl flow show "$VM" state tcp-established)" ''
	policy 'pass in tcp local port 7000'
	check_not 'and stays cut when it would be let in again' talk client four 1
	check 'for a segment of it opens no flow' [ "$(drop_count tcp-not-syn in)" -gt 0 ]
	kill "$talk_pid" "$server"
	wait
}

# Many rules: the last decides, and counts.
rules_100k() {
	awk 'BEGIN {
		for (i = 0; i < 99998; i++)
			printf "drop in tcp remote 172.%d.%d.0/24 local port %d comment \"rule %d\"\n",
				16 + i % 16, int(i / 16) % 256, i % 60000 + 1024, i + 1
		print "pass in tcp remote 10.0.0.0/24 local port 7000"
		print "drop both comment \"the last\""
	}'
}

test_100k() {
	local begin=$SECONDS took
	rules_100k > "$tmp/rules"
	check '100,000 rules load' vfw-nl policy load "$VM" "$tmp/rules"
	took=$((SECONDS - begin))
	check "in reasonable time ($took s)" [ "$took" -le 30 ]
	check_same 'the VM has them' "$(vm_field rules)" 100000
	serve vm TCP-LISTEN:7000,fork,reuseaddr
	check 'the last but one lets in' connect peer 10.0.0.2 7000
	check 'the last drops' dropped rule out on vm ping -c 1 -W 1 10.0.0.1
	kill "$server"
	wait
	check_same 'it counts, and is shown' \
		"$(vfw-nl -j policy show "$VM" | tail -c 1000 | grep -o '"the last".*"packets": *1\b' |
			grep -c .)" 1
	check 'they are replaced by none' policy
	check_same 'and gone' "$(vm_field rules)" 0
}

test_names() {
	policy 'pass in tcp local port 22, 80, 8000-8999 remote 10.0.0.0/8 comment "say \"hi\""' \
		'reject out ipv6 udp remote 2001:db8::/32 port 53' 'default out pass' \
		'drop in tcp stateless flags syn/syn,ack' 'limit flows 1000' 'timeout udp-new 7s'
	vfw-nl policy show "$VM" > "$tmp/shown"
	check 'a policy that is shown can be loaded' vfw-nl policy load "$VM" "$tmp/shown"
	check_same 'and is the same' "$(vfw-nl policy show "$VM")" "$(cat "$tmp/shown")"
}

vm_begin
check 'without a policy nothing passes' dropped no-policy in on peer ping -c 1 -W 1 10.0.0.2
policy
check 'the policy of nothing drops' dropped default in on peer ping -c 1 -W 1 10.0.0.2
/usr/bin/python3 "$ENGINE/policy.py" || failed=1
vfw-nl vm del "$VM" && vfw-nl vm add "$VM" && vfw-nl port add port0 vm "$VM"
test_reject
test_100k
test_names
test_replacement
tap_end
