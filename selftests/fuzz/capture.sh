#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Make corpus/packets again: what real programs and the kernel say to each other, captured at the
# port of a VM. On a lab host, whose kernel needs SCTP, GRE and ESP:
#
#   selftests/lab/host.sh --kernel plain --work build/capture -- selftests/fuzz/capture.sh
#   cp build/capture/*.pcap selftests/fuzz/corpus/packets/
#
# Each file is one conversation. The VM is 02:00:00:00:00:02, 10.0.0.2 and fd00::2; the far end
# ends in 1. All is real but rarp.pcap: no program here speaks RARP as QEMU does.
set -u
# shellcheck source=selftests/lab/lib.sh
. "$LAB_DIR/lib.sh"

out=${LAB_WORK:?run it with host.sh --work}
dump=''

vm() { ip netns exec vm "$@"; }
peer() { ip netns exec peer "$@"; }

begin() { # NAME
	tcpdump --immediate-mode -q -n -i port0 -s 0 -w "$out/$1.pcap" 2> "$out/$1.log" &
	dump=$!
	wait_for 5 grep -q listening "$out/$1.log"
}

end() {
	sleep 0.3
	kill "$dump"
	wait "$dump" 2> /dev/null
}

# NAME COMMAND...
capture() {
	local name=$1
	shift
	begin "$name"
	"$@" > /dev/null 2>&1
	end
	echo "$name: $(tail -n 3 "$out/$name.log" | grep captured)"
	rm -f "$out/$name.log"
}

listens() { peer ss -Hln"$1" | grep -q ":$2 "; }

# TYPE, the address to connect to: some bytes there, and more of them back.
stream() {
	head -c 6000 /dev/zero | tr '\0' x > /tmp/answer
	peer timeout 5 socat "$1-LISTEN:700,reuseaddr" SYSTEM:'head -c 300 >/dev/null; cat /tmp/answer' &
	sleep 0.3
	head -c 300 /dev/zero | vm timeout 4 socat -t 1 - "$1:$2:700"
	wait $!
}

refused() { vm timeout 2 socat - "TCP:10.0.0.1:9" < /dev/null; }

datagrams() { # UDP4|UDP6 ADDRESS
	peer timeout 2 socat -T 1 "$1-RECVFROM:700" EXEC:cat &
	sleep 0.3
	echo hello | vm timeout 2 socat -t 0.5 - "$1:$2:700"
	echo nobody | vm timeout 1 socat -t 0.3 - "$1:$2:709"
	wait $!
}

dns() {
	peer dnsmasq --no-daemon --no-resolv --no-hosts --port=53 --user=root \
		--address=/vm.example/10.0.0.9 --txt-record=vm.example,"$(printf 'x%.0s' {1..200})" &
	sleep 0.5
	vm dig +tries=1 +time=1 @10.0.0.1 vm.example A
	vm dig +tries=1 +time=1 @10.0.0.1 vm.example TXT
	vm dig +tries=1 +time=1 +tcp @fd00::1 vm.example AAAA
	kill $!
	wait $! 2> /dev/null
}

pings() {
	vm ping -c 2 -i 0.2 10.0.0.1
	peer ping -c 2 -i 0.2 10.0.0.2
	vm ping -c 2 -i 0.2 fd00::1
	peer ping -c 1 -s 1000 fd00::2
}

neighbours() {
	ip -n vm neigh flush dev eth0
	ip -n peer neigh flush dev u1
	vm ping -c 1 10.0.0.1
	peer ping -c 1 fd00::2
	vm arping -U -c 1 -I eth0 10.0.0.2
	vm arping -c 1 -I eth0 10.0.0.1
	# Duplicate address detection, and reports of groups.
	ip -n vm addr add fd00::22/64 dev eth0
	ip -n vm link set eth0 down
	ip -n vm link set eth0 up
	ip -n vm addr replace fd00::2/64 dev eth0 nodad
	sleep 2
	ip -n vm addr del fd00::22/64 dev eth0
}

rarp() {
	vm /usr/bin/python3 - << 'END'
import socket
import struct
mac = bytes((2, 0, 0, 0, 0, 2))
frame = b'\xff' * 6 + mac + struct.pack('!HHHBBH', 0x8035, 1, 0x800, 6, 4, 3)
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sock.bind(('eth0', 0))
sock.send((frame + mac + bytes(4) + mac + bytes(4)).ljust(60, b'\0'))
END
}

tags() {
	local side dev
	for side in vm:eth0:2 peer:u1:1; do
		IFS=: read -r side dev last <<< "$side"
		ip -n "$side" link add "$dev.5" link "$dev" type vlan id 5
		ip -n "$side" link add "$dev.q" link "$dev" type vlan proto 802.1ad id 6
		ip -n "$side" link add "$dev.q7" link "$dev.q" type vlan id 7
		for inner in 5 q q7; do ip -n "$side" link set "$dev.$inner" up; done
		ip -n "$side" addr add "10.0.5.$last/24" dev "$dev.5"
		ip -n "$side" addr add "fd05::$last/64" dev "$dev.5" nodad
		ip -n "$side" addr add "10.0.7.$last/24" dev "$dev.q7"
	done
	vm ping -c 1 10.0.5.1
	peer ping -c 1 fd05::2
	vm ping -c 1 10.0.7.1
	stream TCP4 10.0.5.1
	ip -n vm link del eth0.5
	ip -n vm link del eth0.q
}

fragments() {
	vm ping -c 1 -s 4000 10.0.0.1
	peer ping -c 1 -s 3000 10.0.0.2
	vm ping -c 1 -s 4000 fd00::1
	head -c 5000 /dev/zero | vm timeout 1 socat -b 8000 -t 0.3 - 'UDP6:[fd00::1]:709'
}

tunnels() {
	ip -n vm link add gre1 type gre local 10.0.0.2 remote 10.0.0.1 key 7
	ip -n peer link add gre1 type gre local 10.0.0.1 remote 10.0.0.2 key 7
	ip -n vm link add gre6 type ip6gre local fd00::2 remote fd00::1
	ip -n peer link add gre6 type ip6gre local fd00::1 remote fd00::2
	for dev in gre1:8 gre6:9; do
		ip -n vm addr add "10.0.${dev#*:}.2/24" dev "${dev%:*}"
		ip -n peer addr add "10.0.${dev#*:}.1/24" dev "${dev%:*}"
		ip -n vm link set "${dev%:*}" up
		ip -n peer link set "${dev%:*}" up
	done
	vm ping -c 2 -i 0.2 10.0.8.1
	vm ping -c 1 10.0.9.1
}

esp() {
	local key=0x0123456789abcdef0123456789abcdef side
	for side in vm peer; do
		ip -n "$side" xfrm state add src 10.0.0.2 dst 10.0.0.1 proto esp spi 1 \
			enc 'cbc(aes)' "$key" auth 'hmac(sha1)' "$key" mode transport
		ip -n "$side" xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp spi 2 \
			enc 'cbc(aes)' "$key" auth 'hmac(sha1)' "$key" mode transport
	done
	ip -n vm xfrm policy add src 10.0.0.2 dst 10.0.0.1 dir out tmpl proto esp mode transport
	ip -n peer xfrm policy add src 10.0.0.1 dst 10.0.0.2 dir out tmpl proto esp mode transport
	vm ping -c 2 -i 0.2 10.0.0.1
	ip -n vm xfrm policy flush
	ip -n peer xfrm policy flush
}

extensions() {
	vm /usr/bin/python3 - << 'END'
import socket
HOPOPTS, DSTOPTS, RTHDR = 54, 59, 57
pad = bytes((0, 0, 1, 4, 0, 0, 0, 0))
route = bytes((0, 2, 4, 0, 0, 0, 0, 0)) + socket.inet_pton(socket.AF_INET6, 'fd00::1')
for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
    for options in ((HOPOPTS, pad),), ((DSTOPTS, pad),), ((HOPOPTS, pad), (DSTOPTS, pad)):
        with socket.socket(socket.AF_INET6, kind) as sock:
            for option, value in options:
                sock.setsockopt(socket.IPPROTO_IPV6, option, value)
            try:
                sock.settimeout(1)
                sock.connect(('fd00::1', 709))
                sock.send(b'extended')
                sock.recv(10)
            except OSError:
                pass
END
}

lab_bench || lab_die 'no bench'
capture tcp4 stream TCP4 10.0.0.1
capture tcp6 stream TCP6 '[fd00::1]'
capture refused refused
capture udp4 datagrams UDP4 10.0.0.1
capture udp6 datagrams UDP6 '[fd00::1]'
capture dns dns
capture pings pings
capture neighbours neighbours
capture rarp rarp
capture tags tags
capture fragments fragments
capture sctp4 stream SCTP4 10.0.0.1
capture sctp6 stream SCTP6 '[fd00::1]'
capture extensions extensions
capture tunnels tunnels
capture esp esp
