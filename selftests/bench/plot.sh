#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Draws the charts of a run: plot.sh [RESULTS.json [DIRECTORY]]
exec /usr/bin/python3 "$(dirname "$(realpath "$0")")/plot.py" "$@"
