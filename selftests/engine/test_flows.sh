#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Flows: the programs that people use, what is counted of them, and how flows come and go.
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

readonly ROOM=$((4 << 20))

# The bytes in a direction of the flows that fit, all together.
flow_bytes() {
	vfw-nl -j flow show "$VM" "${@:2}" | grep -o "\"$1-bytes\":[0-9]*" |
		awk -F: '{sum += $2} END {print sum + 0}'
}

# iperf NAMESPACE ADDRESS DIRECTION_OF_DATA [OPTION]...: what is counted is what was moved and
# its headers, and in the other direction acknowledgments only. The last of what was sent need
# not have been received when iperf3 ends; small buffers see to it that this is not much.
iperf() {
	local ns=$1 to=$2 data=$3 back=out there received
	shift 3
	[ "$data" = in ] || back=in
	vfw-nl flow flush "$VM" > /dev/null
	on "$ns" iperf3 -J -c "$to" -n "$ROOM" -w 64K "$@" > "$tmp/iperf" || return
	received=$(awk '/"sum_received"/ {found = 1} found && /"bytes"/ {print $2 + 0; exit}' \
		"$tmp/iperf")
	there=$(flow_bytes "$data" protocol tcp) back=$(flow_bytes "$back" protocol tcp)
	echo "$received bytes received; counted $there, and $back back"
	between "$received" "$there" $((ROOM + ROOM / 8)) && [ "$received" -gt $((ROOM / 4)) ] &&
		between 1000 "$back" $((ROOM / 8))
}

test_iperf() {
	local pids=()
	for ns in vm peer; do
		ip netns exec "$ns" iperf3 -s > /dev/null 2>&1 & pids+=($!)
		wait_for 10 listens "$ns" 5201
	done
	policy 'pass in tcp local port 5201' 'pass out tcp remote port 5201'
	check 'iperf3 from the VM, IPv4' iperf vm 10.0.0.1 out
	check 'iperf3 from the VM, IPv6, in reverse' iperf vm fd00::1 in -R
	check 'iperf3 to the VM, IPv6' iperf peer fd00::2 in
	check 'iperf3 to the VM, IPv4, in reverse, eight streams' iperf peer 10.0.0.2 out -R -P 8
	check_same 'nothing was dropped' "$(drops)" ''
	check 'the windows are known and scaled' \
		grep -q 'tcp-local .* scale [1-9].*flags window-scale,sack' <(flow protocol tcp)
	kill "${pids[@]}"
	wait
}

test_curl() {
	mkdir "$tmp/www"
	head -c 1000000 /dev/urandom > "$tmp/www/file"
	ip netns exec vm python3 -m http.server --bind :: --directory "$tmp/www" 80 \
		> /dev/null 2>&1 &
	local server=$!
	wait_for 20 listens vm 80
	policy 'pass in tcp local port 80'
	for url in http://10.0.0.2/file 'http://[fd00::2]/file'; do
		check "curl $url" on peer curl -s -o "$tmp/got" --max-time 20 "$url"
		check 'and the file is whole' cmp "$tmp/got" "$tmp/www/file"
	done
	kill "$server"
	wait
}

test_ssh() {
	local options=(-F none -i "$tmp/key" -o BatchMode=yes -o StrictHostKeyChecking=no
		-o "UserKnownHostsFile=$tmp/known" -o LogLevel=ERROR)
	ssh-keygen -q -t ed25519 -N '' -f "$tmp/key"
	cat > "$tmp/sshd" <<- EOF
		HostKey $tmp/key
		AuthorizedKeysFile $tmp/key.pub
		StrictModes no
		PermitRootLogin yes
		PidFile none
	EOF
	chmod 755 "$tmp"
	ip netns exec vm /usr/sbin/sshd -D -e -f "$tmp/sshd" > "$tmp/sshd.log" 2>&1 &
	local server=$!
	wait_for 20 listens vm 22
	policy 'pass in tcp local port 22'
	check 'ssh, and a session that carries data both ways' session "${options[@]}"
	kill "$server"
	wait
}

session() {
	local got
	got=$(head -c 300000 /dev/zero | tr '\0' x |
		on peer ssh "$@" root@10.0.0.2 'cat; echo done') || return
	[ ${#got} -eq 300004 ]
}

test_dns() {
	ip netns exec peer dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv \
		--no-hosts --bind-interfaces --interface=u1 --except-interface=lo \
		--address=/web.test/192.0.2.7 --pid-file= --user=root > /dev/null 2>&1 &
	local server=$!
	wait_for 10 listens peer 53 u
	policy 'pass out udp remote port 53'
	for at in 10.0.0.1 fd00::1; do
		check_same "dig by $at" "$(on vm dig +short +tries=1 "@$at" web.test)" 192.0.2.7
	done
	check_same 'both flows had an answer' \
		"$(vfw-nl flow show "$VM" protocol udp | grep -c ' replied ')" 2
	check_same 'each of one packet in each direction' "$(vfw-nl -s flow show "$VM" protocol udp |
		grep -c ' in 1 packets .* out 1 packets ')" 2
	check 'the other direction is closed' dropped default in \
		on peer dig +tries=1 +timeout=1 @10.0.0.2 web.test
	kill "$server"
	wait
}

test_ping() {
	policy 'pass out icmp' 'pass in icmpv6 type echo-request'
	check 'ping from the VM' on vm ping -c 3 -i 0.01 -W 5 10.0.0.1
	check 'ping to the VM, IPv6' on peer ping -c 3 -i 0.01 -W 5 fd00::2
	check 'with packets as long as can be' on vm ping -c 1 -s 1472 -W 5 10.0.0.1
	check 'the other direction is closed' dropped default in on peer ping -c 1 -W 1 10.0.0.2
	check_same 'each ping was a flow' "$(vfw-nl -s flow show "$VM" |
		grep -c ' in 3 packets .* out 3 packets ')" 2
}

vm_begin
test_iperf
test_curl
test_ssh
test_dns
test_ping
/usr/bin/python3 "$ENGINE/flows.py" || failed=1
tap_end
