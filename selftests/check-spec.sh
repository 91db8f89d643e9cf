#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Is what is generated from the netlink specification what is committed? And does the
# specification follow the kernel's schema?
set -euo pipefail

top=$(realpath "$(dirname "$0")/..")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
src=$("$top/selftests/lab/kernel.sh" plain source)

/usr/bin/python3 - "$src" "$top" << 'EOF'
import sys, yaml, jsonschema
src, top = sys.argv[1:]
schema = yaml.safe_load(open(f"{src}/Documentation/netlink/genetlink-legacy.yaml"))
spec = yaml.safe_load(open(f"{top}/Documentation/netlink/specs/vfw.yaml"))
jsonschema.validate(spec, schema)
EOF
echo 'ok specification follows the schema'

"$top/Documentation/netlink/regen.sh" "$out"
status=0
for file in include/uapi/linux/vfw.h kmod/netlink_gen.h kmod/netlink_gen.c; do
	if diff -u "$top/$file" "$out/$file"; then
		echo "ok $file is as generated"
	else
		echo "not ok $file is as generated (make regen)"
		status=1
	fi
done
exit $status
