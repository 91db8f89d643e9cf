#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Puts the figures and charts of a full run into Documentation/benchmarks. Nothing else writes
# figures there.
#
#   publish.sh [DIRECTORY]      where results.json is (build/bench)
set -euo pipefail

top=$(realpath "$(dirname "$0")/../..")
from=${1:-$top/build/bench} docs=$top/Documentation/benchmarks

die() { echo "publish.sh: $*" >&2; exit 1; }

[ -s "$from/results.json" ] || die "there is no $from/results.json; run 'make bench'"
charts=$(mktemp -d)
trap 'rm -rf "$charts"' EXIT
"$top/selftests/bench/plot.py" "$from/results.json" "$charts" > /dev/null
# A run that will not do leaves everything as it was.
"$top/selftests/bench/tables.py" "$from/results.json" "$docs/README.md" "$charts"
rm -f "$docs"/*.svg "$docs"/*.png
cp "$charts"/* "$from/results.json" "$docs/"
