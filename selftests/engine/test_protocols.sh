#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Protocols beside TCP and UDP: SCTP of the kernel, tunnels of GRE and ESP, and what is made by hand.
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

readonly KEY=0x000102030405060708090a0b0c0d0e0f10111213

# sctp_state: the states of the SCTP flows there are.
sctp_state() { vfw-nl flow show "$VM" protocol sctp | grep -o 'sctp-[a-z-]*' | sort | tr '\n' ' '; }

is_state() { [ "$(sctp_state)" = "$1 " ]; }

test_iperf() {
	ip netns exec vm iperf3 -s > /dev/null 2>&1 &
	local server=$!
	wait_for 10 listens vm 5201
	policy 'pass in sctp local port 5201' 'pass in tcp local port 5201'
	for to in 10.0.0.2 fd00::2; do
		drops > "$tmp/before"
		check "iperf3 over SCTP to $to" on peer timeout 20 iperf3 --sctp -c "$to" -t 1
		check_same 'nothing was dropped' "$(drops_since "$tmp/before")" ''
		check 'and the association has ended' wait_for 10 is_state sctp-closed
		vfw-nl flow flush "$VM" > /dev/null
	done
	check 'several streams' on peer timeout 8 iperf3 --sctp -c 10.0.0.2 -t 1 --nstreams 5
	kill "$server"
	wait
}

# gre NAMESPACE LOCAL REMOTE INNER: one end of a tunnel
gre() {
	on "$1" ip link add gre1 type gre local "$2" remote "$3" &&
		on "$1" ip addr add "$4/24" dev gre1 && on "$1" ip link set gre1 up
}

test_gre() {
	gre vm 10.0.0.2 10.0.0.1 172.16.0.2
	gre peer 10.0.0.1 10.0.0.2 172.16.0.1
	policy 'pass out udp'
	check 'no tunnel without a rule' dropped default out \
		on vm ping -c 1 -W 1 172.16.0.1
	policy 'pass out gre'
	check 'ping through a tunnel of GRE' on vm ping -c 3 -i 0.01 -W 5 172.16.0.1
	check 'and back, on the same flow' on peer ping -c 3 -i 0.01 -W 5 172.16.0.2
	check_same 'one flow' "$(vfw-nl -n flow show "$VM" protocol gre | grep -c ' replied ')" 1
	vfw-nl flow flush "$VM" > /dev/null
	check 'nobody opens it from outside' dropped default in \
		on peer ping -c 1 -W 1 172.16.0.2
	on vm ip link del gre1
	on peer ip link del gre1
}

# esp NAMESPACE FROM TO
esp() {
	on "$1" ip xfrm state add src "$2" dst "$3" proto esp spi 0x201 mode transport \
		aead 'rfc4106(gcm(aes))' "$KEY" 128 &&
		on "$1" ip xfrm state add src "$3" dst "$2" proto esp spi 0x202 mode transport \
			aead 'rfc4106(gcm(aes))' "$KEY" 128
}

esp_policy() {
	on "$1" ip xfrm policy add src "$2" dst "$3" dir out tmpl proto esp mode transport &&
		on "$1" ip xfrm policy add src "$3" dst "$2" dir in tmpl proto esp mode transport
}

test_esp() {
	local out
	if ! out=$(esp vm 10.0.0.2 10.0.0.1 2>&1); then
		pass "ESP # SKIP $out"
		return
	fi
	on peer ip xfrm state add src 10.0.0.2 dst 10.0.0.1 proto esp spi 0x201 mode transport \
		aead 'rfc4106(gcm(aes))' "$KEY" 128
	on peer ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp spi 0x202 mode transport \
		aead 'rfc4106(gcm(aes))' "$KEY" 128
	esp_policy vm 10.0.0.2 10.0.0.1
	esp_policy peer 10.0.0.1 10.0.0.2
	policy 'pass out icmp'
	check 'what is encrypted is no ICMP' dropped default out on vm ping -c 1 -W 1 10.0.0.1
	policy 'pass out esp'
	check 'ping in ESP' on vm ping -c 3 -i 0.01 -W 5 10.0.0.1
	check_same 'one flow' "$(vfw-nl -n flow show "$VM" protocol esp | grep -c ' replied ')" 1
	for ns in vm peer; do
		on "$ns" ip xfrm policy flush
		on "$ns" ip xfrm state flush
	done
}

vm_begin
test_iperf
test_gre
test_esp
/usr/bin/python3 "$ENGINE/protocols.py" || failed=1
tap_end
