#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# All tests that need no kernel module: each *_test program, *_test.sh and the like.
#
#   run.sh BUILD_DIRECTORY

build=$1
here=$(dirname "$(realpath "$0")")
export UBSAN_OPTIONS=print_stacktrace=1
failed=''

run() {
	"$@" || failed="$failed ${1##*/}"
}

cd "$here" || exit 1
for program in "$build"/tests/*_test; do
	run "$program"
done
for script in "$here"/*_test.sh; do
	run "$script" "$build"
done
# What fuzzing begins with, and what it has found.
for program in "$build"/fuzz/*_replay; do
	kind=${program##*/}
	run "$program" "$here/../fuzz/corpus/${kind%_replay}"/*
done
spec_test() {
	"$build/tests/spec_gen" | ./spec_test.py ../../Documentation/netlink/specs/vfw.yaml &&
		echo "spec_test: the tables fit the spec"
}
run spec_test

if [ -n "$failed" ]; then
	echo "FAILED:$failed"
	exit 1
fi
echo "all passed"
