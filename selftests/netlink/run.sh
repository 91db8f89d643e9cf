#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run tests of the netlink family with the kernel's own netlink client, on a lab host with vfw
# loaded:    run.sh [NAME]...     all when none is named
set -uo pipefail

here=$(dirname "$(realpath "$0")")
source=$("$here/../lab/kernel.sh" plain source) || exit 1
export YNL=$source/tools/net/ynl/pyynl

[ $# -gt 0 ] || set -- ops ports flows restore send faults
status=0
for name; do
	# Debian's own: another python3 in PATH may lack the packages that the client needs.
	/usr/bin/python3 -B "$here/$name.py" || status=1
done
exit $status
