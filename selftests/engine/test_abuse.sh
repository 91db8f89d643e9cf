#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Abuse: floods of one VM, and what the others, and its own connections, notice of it.
#
#   peer                        this namespace                        vm, vmb
#   [u1 10.0.0.1] ------- [u0  br0  port0] ------- [eth0 10.0.0.2]    the VM that is flooded
#                              [     port1] ------- [eth0 10.0.0.3]    the other one
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

# The other VM.
vmb_begin() {
	ip netns add vmb
	ip link add port1 type veth peer name eth0 netns vmb
	ip link set port1 master br0 up
	lab_bench_end vmb eth0 3
	vfw-nl vm add "$VM_B" name db || lab_die 'no VM'
	vfw-nl port add port1 vm "$VM_B" || lab_die 'no port'
}

vm_begin
vmb_begin
# What is answered to forged addresses goes to the peer, and ends there.
ip -n vm route add default via 10.0.0.1
/usr/bin/python3 "$ENGINE/abuse.py" || failed=1
tap_end
