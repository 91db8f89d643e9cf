#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Hold the tool's tables of names (from spec_gen, on stdin) against the spec."""

import json
import sys

import yaml


def attribute(attr):
    keys = ("name", "type", "enum", "nested-attributes", "multi-attr")
    return {key: attr[key] for key in keys if key in attr}


def entry(value):
    return value if isinstance(value, str) else value["name"]


def command_set(spec, operation):
    if "notify" in operation:
        for other in spec["operations"]["list"]:
            if other["name"] == operation["notify"]:
                return other["attribute-set"]
    return operation["attribute-set"]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = yaml.safe_load(file)
    wanted = {
        "sets": {s["name"]: [attribute(a) for a in s["attributes"]]
                 for s in spec["attribute-sets"]},
        "enums": {d["name"]: [entry(e) for e in d["entries"]]
                  for d in spec["definitions"] if d["type"] == "enum"},
        "commands": [{"name": o["name"], "set": command_set(spec, o)}
                     for o in spec["operations"]["list"]],
    }
    known = json.load(sys.stdin)
    wrong = 0
    for part, want in wanted.items():
        pairs = want.items() if isinstance(want, dict) else enumerate(want)
        have = known[part]
        if len(have) != len(want):
            print(f"FAIL: {part}: {len(have)} known, {len(want)} in the spec")
            wrong += 1
        for key, value in pairs:
            found = have.get(key) if isinstance(have, dict) else (have + [None])[key]
            if found != value:
                print(f"FAIL: {part} {key}:\n  spec {value}\n  tool {found}")
                wrong += 1
    sys.exit(1 if wrong else 0)


main()
