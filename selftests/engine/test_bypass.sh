#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The egress hook with softirqs on (PACKET_QDISC_BYPASS); lockdep watches.
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

vm_begin
/usr/bin/python3 "$ENGINE/bypass.py" || failed=1
tap_end
