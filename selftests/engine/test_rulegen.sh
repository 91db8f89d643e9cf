#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Many rules that overlap, as access lists and firewalls have them: each packet is counted by the
# rule that a search through all of them finds first.
# shellcheck source=selftests/lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

vm_begin
export PYTHONPATH=$ENGINE:$LAB_DIR/../bench
/usr/bin/python3 "$ENGINE/rulesets.py" || failed=1
tap_end
