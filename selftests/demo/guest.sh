#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Make the demo's guest: Debian's cloud kernel and an initramfs of busybox, dropbear and guest-talk.
#
#   guest.sh
#
# Prints the directory with vmlinuz, initrd.gz, id (the key that logs in as root), known_hosts and
# guest-talk (the same program for the peer). It is kept in VFW_LAB_CACHE (~/.cache/vfw-lab),
# keyed by everything that goes into it. The kernel package is unpacked, never installed.
set -euo pipefail
shopt -s inherit_errexit

here=$(dirname "$(realpath "$0")")
cache=${VFW_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vfw-lab}
size=$((24 << 20))	# of the download from the guest
# in the order in which they must be loaded
modules=(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci
	failover net_failover virtio_net rng-core virtio-rng)
PATH=$PATH:/usr/sbin

say() { echo "demo guest: $*" >&2; }

# where PROGRAM PACKAGE: its path
where() {
	command -v "$1" || { say "there is no $1 (Debian: apt install $2)"; exit 1; }
}

kernel_package() {
	apt-cache depends linux-image-cloud-amd64 |
		awk '/Depends: linux-image/ {print $2; exit}' | grep . ||
		{ say "no linux-image-cloud-amd64 in this machine's package lists"; exit 1; }
}

# The unpacked kernel package, shared by all guests made from it.
unpacked_kernel() {
	local package=$1 to=$cache/$1
	if [ ! -e "$to/.complete" ]; then
		say "fetching $package"
		rm -rf "$to"
		mkdir -p "$to"
		(cd "$to" && apt-get -qq -o APT::Sandbox::User=root download "$package" >&2 &&
			dpkg -x "$package"_*.deb . && rm -f "$package"_*.deb)
		touch "$to/.complete"
	fi
	echo "$to"
}

# A program with the shared libraries it names, at the paths where it looks for them.
copy_program() {
	local program=$1 root=$2 library
	cp "$program" "$root/bin/"
	ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
		mkdir -p "$root$(dirname "$library")"
		cp -L "$library" "$root$library"
	done
}

# Debian 12 ships modules as they are, later releases compressed; some kernels have them built in.
add_module() {
	local module=$1 kernel=$2 to=$3/lib/modules file
	file=$(find "$kernel/lib/modules" \( -name "$module.ko" -o -name "$module.ko.xz" \) -print -quit)
	case $file in
	*.ko) cp "$file" "$to/" ;;
	*.ko.xz) xz -dc "$file" > "$to/$module.ko" ;;
	*)
		grep -rqs --include=modules.builtin "/$module\.ko" "$kernel/lib/modules" ||
			{ say "the kernel has no module $module"; exit 1; }
		return
		;;
	esac
	echo "$module" >> "$to/order"
}

make_keys() {
	local out=$1 root=$2
	dropbearkey -t ed25519 -f "$root/etc/host-key" > "$out/host-key.pub" 2> /dev/null
	awk '/^ssh-/ {print "10.9.0.2,fd09::2", $1, $2}' "$out/host-key.pub" > "$out/known_hosts"
	ssh-keygen -q -t ed25519 -N '' -C demo -f "$out/id"
	mkdir -p "$root/root/.ssh"
	chmod 700 "$root/root" "$root/root/.ssh"
	cp "$out/id.pub" "$root/root/.ssh/authorized_keys"
}

make_guest() {
	local kernel=$1 out=$2 root=$2/root module
	mkdir -p "$root"/{bin,etc,lib/modules}
	gcc -O2 -Wall -static -o "$out/guest-talk" "$here/guest-talk.c"
	cp "$kernel"/boot/vmlinuz-* "$out/vmlinuz"
	for module in "${modules[@]}"; do
		add_module "$module" "$kernel" "$root"
	done
	cp "$busybox" "$root/bin/busybox"
	cp "$out/guest-talk" "$root/bin/"
	copy_program "$dropbear" "$root"
	cp "$here/guest-init" "$root/init"
	chmod 755 "$root/init"
	echo "$size" > "$out/download-size"
	cp "$out/download-size" "$root/etc/"
	echo 'root:x:0:0:root:/root:/bin/sh' > "$root/etc/passwd"
	make_keys "$out" "$root"
	(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) > "$out/initrd.gz"
	"$out/guest-talk" data "$size" 2 | sha256sum | cut -d' ' -f1 > "$out/download-sha256"
	rm -rf "$root"
}

busybox=$(where busybox busybox-static)
dropbear=$(where dropbear dropbear-bin)
where ssh-keygen openssh-client > /dev/null
where cpio cpio > /dev/null
package=$(kernel_package)
key=$({ echo "$package ${modules[*]} $size"
	cat "$0" "$here/guest-init" "$here/guest-talk.c" "$busybox" "$dropbear"; } | sha256sum | cut -c1-12)
guest=$cache/guest-$key
mkdir -p "$cache"
exec 9> "$cache/guest-lock"
flock 9
if [ ! -e "$guest/.complete" ]; then
	kernel=$(unpacked_kernel "$package")
	say "making the guest from $package"
	rm -rf "$guest"
	mkdir -p "$guest"
	make_guest "$kernel" "$guest"
	touch "$guest/.complete"
fi
echo "$guest"
