#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# checkpatch --strict, sparse, shellcheck, and a few rules of the house.
#
#   style.sh [KDIR]     KDIR: headers for sparse (it does not run on the lab's kernel)
set -uo pipefail

top=$(realpath "$(dirname "$0")/..")
cd "$top" || exit 1
src=$(selftests/lab/kernel.sh plain source) || exit 1
kdir=${1:-}
status=0

result() { # STATUS TEXT
	if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "not ok $2"; status=1; fi
}

# All C of the project but what a generator wrote. Before the first commit git knows no files.
sources() {
	git ls-files --cached --others --exclude-standard -- '*.c' '*.h' | grep -v '_gen\.[ch]$' |
		grep -v '^include/uapi/linux/vfw\.h$'
}

one_checkpatch() {
	perl "$src/scripts/checkpatch.pl" --no-tree --strict --no-summary --quiet \
		--max-line-length=100 --file "$1"
}

scripts() { git ls-files --cached --others --exclude-standard -- '*.sh'; }

# Several files at a time; what one check says stays together.
check_file() { # COMMAND FILE
	local said
	said=$("$1" "$2" 2>&1) && { echo "ok ${1#one_} $2"; return; }
	printf '%s\nnot ok %s %s\n' "$said" "${1#one_}" "$2"
	return 1
}
one_shellcheck() { shellcheck -x "$1"; }
export -f check_file one_checkpatch one_shellcheck
export src

sources | xargs -P "$(nproc)" -I '{}' bash -c 'check_file one_checkpatch "$1"' - '{}' || status=1
scripts | xargs -P "$(nproc)" -I '{}' bash -c 'check_file one_shellcheck "$1"' - '{}' || status=1

if [ -n "$kdir" ] && command -v sparse > /dev/null; then
	rm -rf build/sparse
	out=$(make module OUT=build/sparse KDIR="$kdir" C=2 2>&1)
	# What sparse says of the kernel's own headers is not ours to mend.
	remarks=$(grep -E '(kmod|include/uapi/linux/vfw)[^:]*:[0-9]+:[0-9]+: (warning|error)' <<< "$out")
	[ -z "$remarks" ] || echo "$remarks"
	[ -z "$remarks" ] && [ -f build/sparse/vfw.ko ]
	result $? 'sparse'
fi

version=$(sed -n 's/^#define VFW_VERSION "\(.*\)"/\1/p' kmod/main.h)
grep -q "^PACKAGE_VERSION=\"$version\"$" dkms.conf
result $? "dkms.conf has the module's version $version"
exit $status
