#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Before the compiler says it in its own way: is there a kernel to build against, and does it
# have what vfw needs?     check-config.sh KDIR
set -eu

kdir=${1:?usage: check-config.sh KDIR}
here=$(dirname "$0")

if [ ! -f "$kdir/Makefile" ]; then
	echo "vfw: no kernel headers in $kdir" >&2
	echo "vfw: install them (Debian: apt install linux-headers-$(uname -r)), or name others: make KDIR=..." >&2
	exit 1
fi
config=$kdir/.config
[ -f "$config" ] || config=$kdir/include/config/auto.conf
if [ ! -f "$config" ]; then
	echo "vfw: the kernel in $kdir is not configured: it has no .config" >&2
	exit 1
fi

# dkms.conf is the one place that says what is needed.
needed=$(sed -n 's/^BUILD_EXCLUSIVE_CONFIG="\(.*\)"/\1/p' "$here/../dkms.conf")
missing=
for symbol in $needed CONFIG_MODULES CONFIG_MODULE_UNLOAD CONFIG_CRC32; do
	grep -q "^$symbol=[ym]" "$config" || missing="$missing $symbol"
done
if [ -n "$missing" ]; then
	echo "vfw: the kernel in $kdir is built without:$missing" >&2
	exit 1
fi
