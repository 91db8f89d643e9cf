#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# TCP, scenario by scenario: README.md describes the scripts. Arguments are given to scenarios.py.
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

here=$(dirname "$(realpath "$0")")

vm_begin
check 'the page names scenarios that are there' /usr/bin/python3 "$here/page.py"
# Segments as long as can be.
for at in vm:eth0 peer:u1; do ip -n "${at%:*}" link set "${at#*:}" mtu 65535; done
for dev in port0 u0 br0; do ip link set "$dev" mtu 65535; done
/usr/bin/python3 "$here/scenarios.py" --work "$tmp" "$@" || failed=1
tap_end
