#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Odd packets: malformed frames, and segments forged into a connection that lives.
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

vm_begin
/usr/bin/python3 "$ENGINE/odd.py" || failed=1
tap_end
