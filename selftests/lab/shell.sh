#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A shell on a lab host, with vfw loaded and a VM's surroundings set up in namespaces.
#
#   shell.sh [--kernel plain|debug] [--mem SIZE] [--work DIR]
#
# VFW_KO names the module (built for the same kernel); else vfw.ko of the tree is tried.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
tree=$(realpath "$here/../..")

if [ ! -t 0 ] || [ ! -t 1 ]; then
	echo "shell.sh: needs a terminal; for a script use host.sh" >&2
	exit 1
fi
case ${1:-} in -h|--help) sed -n '4,9s/^# \{0,1\}//p' "$0"; exit ;; esac
ko=${VFW_KO:-$tree/vfw.ko}
# The shell loads the module itself: one that does not load is no reason to have no shell.
unset VFW_KO
exec env VFW_LAB_NO_LEAKSCAN=1 "$here/host.sh" --tty --timeout 0 --name vfw-lab "$@" \
	--env "LAB_KO=$(realpath -m "$ko")" -- bash --rcfile "$here/shell.rc" -i
