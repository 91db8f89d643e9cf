#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build a kernel of the lab (User Mode Linux) and say where it is.
#
#   kernel.sh plain|debug|smp|smp-debug [source|build|cached]
#
# Prints the build directory (which holds ./linux and serves as KDIR for the module) or, with
# "source", the source directory; with "cached", the build directory if it is complete, while the
# exit status is 3 if not. Progress goes to stderr. The source is the newest linux-source package of
# the suite VFW_LAB_SUITE (trixie-backports), fetched from this machine's own Debian mirror with a
# private apt state; VFW_LAB_KSRC names a tree to use instead.
# Everything is kept in VFW_LAB_CACHE (~/.cache/vfw-lab), keyed by source and configuration.
set -euo pipefail
shopt -s inherit_errexit

here=$(dirname "$(realpath "$0")")
cache=${VFW_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vfw-lab}
suite=${VFW_LAB_SUITE:-trixie-backports}
apt=$cache/apt-$suite
kind=${1:?usage: kernel.sh plain|debug|smp|smp-debug [source|build|cached]} what=${2:-build}
case $kind in
plain) fragments=("$here/kernel.config") ;;
debug) fragments=("$here/kernel.config" "$here/debug.config") ;;
smp) fragments=("$here/kernel.config" "$here/smp.config") ;;
smp-debug) fragments=("$here/kernel.config" "$here/smp.config" "$here/debug.config") ;;
*) echo "kernel.sh: '$kind' is not a kind of kernel: plain, debug, smp or smp-debug" >&2; exit 1 ;;
esac

say() { echo "lab kernel: $*" >&2; }

# The apt state is private: neither the system's sources nor its package lists change.
private_apt() {
	local tool=$1; shift
	"$tool" -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" \
		-o Dir::State::status=/dev/null -o APT::Sandbox::User=root "$@"
}

# The name of the source that is here, if the mirror was asked in the last 30 days.
cached_source() {
	[ -s "$apt/package" ] && [ -n "$(find "$apt/package" -mtime -30)" ] &&
		[ -f "$cache/$(cat "$apt/package")/Makefile" ] && cat "$apt/package"
}

fetch_source() {
	local mirror pkg
	cached_source && return
	mkdir -p "$apt"/lists/partial "$apt"/cache/archives/partial
	mirror=$(apt-cache policy base-files | awk '$2 ~ "://" && $2 !~ /security/ {print $2; exit}')
	[ -n "$mirror" ] || { say "no Debian mirror is configured here; set VFW_LAB_KSRC to a kernel tree"; exit 1; }
	cat /usr/share/keyrings/debian-archive-*.gpg > "$apt/keyring.gpg"
	echo "deb [signed-by=$apt/keyring.gpg] $mirror $suite main" > "$apt/sources.list"
	private_apt apt-get update >&2
	pkg=$(private_apt apt-cache depends linux-source | awk '/Depends: linux-source/ {print $2; exit}')
	if [ ! -f "$cache/$pkg/Makefile" ]; then
		say "fetching $pkg from $suite"
		rm -rf "$cache/fetch"; mkdir -p "$cache/fetch"
		(cd "$cache/fetch" && private_apt apt-get download "$pkg" >&2 && dpkg -x "$pkg"_*.deb x &&
		 tar xf x/usr/src/linux-source-*.tar.xz)
		rm -rf "${cache:?}/$pkg"
		mv "$cache/fetch"/linux-source-*/ "$cache/$pkg"
		rm -rf "$cache/fetch"
	fi
	echo "$pkg" > "$apt/package"
	echo "$pkg"
}

# Locked while something is fetched or built, so that a finished kernel is never waited for.
mkdir -p "$cache"
exec 9> "$cache/lock"
if [ -n "${VFW_LAB_KSRC:-}" ]; then
	src=$(realpath "$VFW_LAB_KSRC")
elif pkg=$(cached_source); then
	src=$cache/$pkg
else
	flock 9
	src=$cache/$(fetch_source)
fi
[ "$what" = source ] && { echo "$src"; exit; }

key=$(cat "${fragments[@]}" | sha256sum | cut -c1-12)
build=$cache/$(basename "$src")-$kind-$key
[ "$what" != cached ] || [ -e "$build/.complete" ] || exit 3
[ "$what" != cached ] || { echo "$build"; exit; }
[ -e "$build/.complete" ] || flock 9
if [ ! -e "$build/.complete" ]; then
	say "building the $kind kernel in $build (4 to 6 minutes on 2 CPUs, once)"
	mkdir -p "$build"
	make -C "$src" ARCH=um O="$build" defconfig > "$build/log" 2>&1
	cat "${fragments[@]}" >> "$build/.config"
	make -C "$src" ARCH=um O="$build" olddefconfig >> "$build/log" 2>&1
	sed -n 's/^\(CONFIG_[A-Z0-9_]*=y\)$/\1/p' "${fragments[@]}" | while read -r want; do
		grep -qx "$want" "$build/.config" || say "warning: $want did not take"
	done
	make -C "$src" ARCH=um O="$build" -j"$(nproc)" linux modules >> "$build/log" 2>&1 ||
		{ say "the build failed; the end of $build/log:"; tail -n 20 "$build/log" >&2; exit 1; }
	touch "$build/.complete"
fi
echo "$build"
