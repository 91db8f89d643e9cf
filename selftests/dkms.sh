#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Does DKMS build and install the module? In trees of its own: this machine's are not touched.
#
#   dkms.sh KDIR     headers of a distribution's kernel
set -euo pipefail

top=$(realpath "$(dirname "$0")/..")
kdir=${1:?usage: dkms.sh KDIR}
release=$(basename "$kdir"); release=${release#linux-headers-}
trees=$(mktemp -d)
trap 'rm -rf "$trees"' EXIT
mkdir -p "$trees"/{source,dkms} "$trees/modules/$release"
ln -s "$kdir" "$trees/modules/$release/build"
options=(DKMS="dkms --dkmstree $trees/dkms --sourcetree $trees/source --installtree $trees/modules --kernelsourcedir $kdir --no-depmod"
	DKMS_SOURCE="$trees/source" KVER="$release")

make -C "$top" dkms-install "${options[@]}" || {
	cat "$trees"/dkms/vfw/*/build/make.log
	echo "not ok DKMS builds and installs for $release"
	exit 1
}
[ -n "$(find "$trees/modules" -name 'vfw.ko*')" ]
echo "ok DKMS builds and installs for $release"

make -C "$top" dkms-remove "${options[@]}"
[ -z "$(find "$trees/modules" "$trees/source" -name 'vfw*')" ]
echo 'ok DKMS removes it without a trace'
