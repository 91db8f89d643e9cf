#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Install the Debian packages that building, testing and the demonstration need.
#
#   packages.sh build|test|demo|bench|fuzz...   install what is missing of these sets
#   packages.sh --list [SET...]         only print the sets
#
# Quick when nothing is missing. Services that come with a package are not started: the lab
# runs their programs inside its own hosts, never on this machine.
set -euo pipefail

prog=packages.sh
policy=/usr/sbin/policy-rc.d

die() { echo "$prog: $*" >&2; exit 1; }

# The names of one set, one to a line.
packages_of() {
	case $1 in
	build) # the module, the tool, the lab's kernels, the netlink code generator
		printf '%s\n' gcc make pkg-config libnl-3-dev libnl-genl-3-dev libjansson-dev \
			linux-headers-amd64 flex bison bc libelf-dev libssl-dev rsync cpio \
			xz-utils sparse kmod git python3 python3-yaml python3-jsonschema ;;
	test) # what runs inside the lab's hosts, and the checkers
		printf '%s\n' iproute2 nftables conntrack iperf3 curl openssh-server \
			openssh-client bind9-dnsutils dnsmasq-base iputils-ping iputils-arping \
			tcpdump netcat-openbsd socat ethtool openvswitch-switch procps \
			python3 python3-yaml python3-jsonschema kmod bsdutils util-linux \
			man-db mandoc bash-completion shellcheck dkms ;;
	demo) # a real VM, really migrated
		printf '%s\n' libvirt-daemon-system libvirt-clients libvirt-daemon-driver-qemu \
			qemu-system-x86 dbus busybox-static iproute2 netcat-openbsd \
			iputils-ping kmod cpio procps dropbear-bin curl openssh-client python3 ;;
	bench) # what vfw is compared with, and what draws the charts
		printf '%s\n' gcc make iproute2 nftables conntrack openvswitch-switch iperf3 \
			ethtool python3 gnuplot-nox fonts-dejavu-core ;;
	fuzz) # libFuzzer, and what names the places it finds
		printf '%s\n' clang libclang-rt-14-dev llvm ;;
	*) die "'$1' is not a set of packages: build, test, demo, bench or fuzz" ;;
	esac
}

# What of the arguments is not installed, one to a line. dpkg-query is asked once for all;
# it says "unknown ok not-installed" for what is merely mentioned and nothing for the rest.
missing() {
	local have
	have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
		awk '$2 == "installed" {print $1}') || true
	printf '%s\n' "$@" | grep -vxF -f <(printf '%s\n' "$have") || true
}

# While apt runs, invoke-rc.d and deb-systemd-invoke are told to start nothing. A policy that
# the machine already has is left alone.
no_services() {
	[ -e "$policy" ] && return
	trap 'rm -f "$policy"' EXIT
	trap 'exit 1' INT TERM HUP
	printf '#!/bin/sh\n# put here by vfw %s for one apt run\nexit 101\n' "$prog" > "$policy"
	chmod 755 "$policy"
}

install_packages() {
	no_services
	# The lists are fetched only if they do not know what is wanted, or offer what is gone.
	export DEBIAN_FRONTEND=noninteractive
	apt-get install -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" && return
	echo "$prog: fetching the package lists and trying again" >&2
	apt-get update -qq
	apt-get install -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@"
}

main() {
	local set wanted want
	if [ "${1:-}" = --list ]; then
		shift
		[ $# -gt 0 ] || set -- build test demo bench fuzz
		for set; do echo "$set: $(packages_of "$set" | xargs)"; done
		return
	fi
	[ $# -gt 0 ] || die "usage: $prog build|test|demo|bench|fuzz... | --list [build|test|demo|bench|fuzz...]"
	command -v dpkg-query apt-get > /dev/null ||
		die "not a Debian system; install the like of: $("$0" --list "$@")"
	wanted=$(for set; do packages_of "$set" || exit; done | sort -u)
	mapfile -t wanted <<< "$wanted"
	mapfile -t want < <(missing "${wanted[@]}")
	[ ${#want[@]} -gt 0 ] || { echo "$prog: $*: nothing is missing"; return; }
	if [ "$(id -u)" != 0 ]; then
		echo "$prog: ${#want[@]} packages are missing; as root, run" >&2
		echo "    apt-get install --no-install-recommends ${want[*]}" >&2
		exit 1
	fi
	echo "$prog: installing for $*: ${want[*]}"
	install_packages "${want[@]}"
}

main "$@"
