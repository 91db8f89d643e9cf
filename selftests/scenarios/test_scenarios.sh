#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# TCP, scenario by scenario: README.md describes the scripts. Arguments are given to scenarios.py.
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

here=$(dirname "$(realpath "$0")")

# TEXT PATTERN: a scenario with this line is refused, and why.
bad() {
	printf 'scenario bad\n%s\n' "$1" > "$tmp/bad.scn"
	check_refused "refused: $1" 1 "bad\.scn:2: .*$2" \
		/usr/bin/python3 "$here/scenarios.py" --check "$tmp/bad.scn"
}

bad 'out S 0(0) ack' 'ack is missing'
bad 'out S 0:10(9) -> pass' 'from 0 to 10 are not 9 bytes'
bad 'in X 0(0) -> pass' 'flag "X"'
bad 'in . 0(0) -> pass' 'needs ack'
bad 'in S 0(0) <wscale> -> pass' 'needs 1 values'
bad 'in S 0(0) -> pass open' 'state "open" is none of'
bad 'use nothing' 'there is no block'
bad 'peer in max-end 5 flags fun' 'flag "fun"'

vm_begin
check 'the page names scenarios that are there' /usr/bin/python3 "$here/page.py"
# Segments as long as can be.
for at in vm:eth0 peer:u1; do ip -n "${at%:*}" link set "${at#*:}" mtu 65535; done
for dev in port0 u0 br0; do ip link set "$dev" mtu 65535; done
/usr/bin/python3 "$here/scenarios.py" --work "$tmp" "$@" || failed=1
tap_end
