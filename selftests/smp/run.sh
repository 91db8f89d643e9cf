#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Do two CPUs disturb each other? Show that no cache line is written by both while each has packets
# of its own established flows.
#
#   run.sh [ROUNDS]
#
# vfw.ko is built with a recorder of its own accesses to memory (record.c) and run on the lab's
# kernel with two CPUs; guest.py sends the packets and compares. Everything stays in build/smp.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
top=$(realpath "$here/../..")
build=$top/build/smp out=$top/build/smp/out rounds=${1:-20}

build_module() {
	make -j"$(nproc)" -C "$kdir" ARCH=um M="$build" "$@" modules
}

# From the beginning, and the module twice: what is to be wrapped is known when the objects are
# there.
build_all() {
	rm -rf "$build" &&
	mkdir -p "$build" &&
	cp -r "$top"/kmod "$top"/include "$build"/ &&
	cp "$top/Kbuild" "$build/Kbuild.vfw" &&
	cp -r "$here" "$build/smp" &&
	cp "$here/Kbuild" "$build/Kbuild" &&
	"$here/wrap.sh" "$kdir" "$build/smp" &&
	build_module KBUILD_MODPOST_WARN=1 &&
	"$here/wrap.sh" "$kdir" "$build/smp" "$build"/kmod/*.o &&
	rm -f "$build/vfw.o" && build_module VFW_SMP_WRAP=1 &&
	make -C "$top" tool
}

kdir=$("$top/selftests/lab/kernel.sh" smp)
mkdir -p "$top/build"
build_all > "$build.log" 2>&1 || { tail -n 20 "$build.log" >&2; exit 1; }
VFW_KO=$build/vfw.ko exec "$top/selftests/lab/host.sh" --kernel smp --mem 2G \
	--timeout 120 --work "$out" \
	--env "PYTHONPATH=$top/selftests/engine:$top/selftests/icount" \
	--env PYTHONDONTWRITEBYTECODE=1 --env "SMP_ROUNDS=$rounds" --env "SMP_KO=$build/vfw.ko" \
	-- /usr/bin/python3 -u "$here/guest.py"
