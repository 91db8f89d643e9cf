#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Everything at once; see races.py. RACES_SECONDS (20) and RACES_SEED come from the environment.
set -uo pipefail

here=$(dirname "$(realpath "$0")")
source=$("$here/../lab/kernel.sh" plain source) || exit 1
export YNL=$source/tools/net/ynl/pyynl
exec /usr/bin/python3 -B "$here/races.py"
