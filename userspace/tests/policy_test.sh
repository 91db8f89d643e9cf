#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The policy's two forms: what is said about each error, and random round trips.
#
#   policy_test.sh BUILD_DIRECTORY

build=$(realpath "$1")
cd "$(dirname "$(realpath "$0")")" || exit 1
./policy_golden.py "$build" && ./policy_random.py "$build"
