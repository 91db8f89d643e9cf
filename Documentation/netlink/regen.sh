#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Generate the uapi header and the kernel's tables from the netlink specification.
#
#   regen.sh [OUTPUT_DIR]     the project's own tree when not given
#
# Uses the YNL generator of the lab's kernel source (7.3; other releases print other text).
set -euo pipefail

top=$(realpath "$(dirname "$0")/../..")
out=$(realpath -m "${1:-$top}")
src=$("$top/selftests/lab/kernel.sh" plain source)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The generator looks for its schema beside the specs and for a MAINTAINERS file above them.
mkdir -p "$work/Documentation/netlink/specs" "$out/include/uapi/linux" "$out/kmod"
cp "$src"/Documentation/netlink/genetlink-legacy.yaml "$work/Documentation/netlink/"
cp "$top/Documentation/netlink/specs/vfw.yaml" "$work/Documentation/netlink/specs/"
touch "$work/MAINTAINERS"

# One policy serves an operation's do and dump (kernel-policy: per-op), but when both take
# attributes the generator makes two, of which nothing refers to the second, and names the first
# after the do, but refers to it without. The multicast groups it defines for a family in the same
# file, but with such a table the family is ours.
generate() { # FILE MODE KIND
	(cd "$work" && timeout 60 /usr/bin/python3 "$src/tools/net/ynl/pyynl/ynl_gen_c.py" \
		--spec "$work/Documentation/netlink/specs/vfw.yaml" --mode "$2" "--$3" -o "$(basename "$1")")
	sed -e 's/_do_nl_policy\[/_nl_policy[/' \
	    -e 's#To regenerate run: .*#To regenerate run: make regen */#' \
	    -e '\#^/\* VFW_CMD_[A-Z_]* - dump \*/$#,/^$/d' \
	    -e '/^static const struct genl_multicast_group/,/^};/d' \
		"$work/$(basename "$1")" | sed -e '${/^$/d}' > "$out/$1"
}

generate include/uapi/linux/vfw.h uapi header
generate kmod/netlink_gen.h kernel header
generate kmod/netlink_gen.c kernel source
