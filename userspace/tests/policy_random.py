#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Random policies, written by this generator as text and as JSON.

The tool has to read both forms as the same policy, and to write each form so
that reading it changes nothing.

Usage: policy_random.py BUILD_DIR [POLICIES [SEED]]
"""

import ipaddress
import json
import os
import random
import subprocess
import sys

TOOL = os.path.join(sys.argv[1], "vfw-nl")
PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "sctp": 132, "dccp": 33, "udplite": 136,
             "gre": 47, "esp": 50, "ah": 51, "igmp": 2, "vrrp": 112}
WITH_PORTS = (6, 17, 33, 132, 136)
FLAGS = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"]
TIMEOUTS = ["tcp-syn-sent", "tcp-syn-recv", "tcp-established", "tcp-fin-wait", "tcp-close-wait",
            "tcp-last-ack", "tcp-time-wait", "tcp-close", "udp-new", "udp-stream", "icmp", "other",
            "sctp-opening", "sctp-established", "sctp-closing", "fragment"]
LIMITS = {"flows": 16777216, "half-open": 16777216, "source-flows": 16777216,
          "fragments": 16384, "fragment-bytes": 67108864}
ACTIONS = ["pass", "drop", "reject"]


def chance(rng, percent):
    return rng.randrange(100) < percent


def blank(rng):
    return rng.choice([" ", " ", " ", "  ", "\t", " \\\n ", "\\\r\n\t"])


def duration(rng, seconds):
    """One of the ways to write it."""
    if chance(rng, 30):
        return str(seconds)
    text = ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count = seconds // size
        if size > 1 and count:
            count -= rng.choice([0, 0, 0, 1])
        if count:
            text += f"{count}{unit}"
        seconds -= count * size
    return text


def prefix(rng, family):
    bits = 32 if family == "ipv4" else 128
    length = rng.choice([0, 1, 7, 8, 9, 24, 31, 32, 48, 64, 127, 128, rng.randrange(129)])
    length = min(length, bits)
    number = rng.getrandbits(bits) >> (bits - length) << (bits - length)
    if family == "ipv4":
        return str(ipaddress.IPv4Address(number)), length, bits
    return str(ipaddress.IPv6Address(number)), length, bits


def end(rng, rule, name, family, ports):
    """The words about an end of the flow, and its attributes."""
    words = []
    if family and chance(rng, 60):
        address, length, bits = prefix(rng, family)
        if chance(rng, 20):
            address = ipaddress.ip_address(address).exploded.upper()
        rule[name] = address
        rule[f"{name}-prefix"] = length
        words.append(address if length == bits and chance(rng, 50) else f"{address}/{length}")
        if length == bits and chance(rng, 30):
            del rule[f"{name}-prefix"]
    if ports and chance(rng, 60):
        ranges, texts = [], []
        for _ in range(rng.choice([1, 1, 1, 2, 3, 32])):
            first = rng.choice([0, 65535, rng.randrange(65536)])
            last = rng.choice([first, first, 65535, rng.randrange(first, 65536)])
            ranges.append({"first": first} if first == last and chance(rng, 50)
                          else {"first": first, "last": last})
            texts.append(str(first) if first == last else f"{first}-{last}")
        rule[f"{name}-ports"] = ranges
        words.append("port " + rng.choice([",", ", ", " ,"]).join(texts))
    return [blank(rng).join([name, *words])] if words else []


def comment(rng):
    alphabet = 'ab "\\#,/0.:-{}[]~\u00e4\u00df\u20ac\u4e2d\u00a0\U0001f600'
    text = "".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 60)))
    while len(text.encode()) > 127:
        text = text[:-1]
    return text


def flag_words(rng, bits):
    names = [name for i, name in enumerate(FLAGS) if bits >> i & 1]
    rng.shuffle(names)
    return ",".join(names) or "none"


def head(rng, rule):
    """Family and protocol; returns the words, and the family addresses have."""
    words = []
    family = rng.choice([None, None, "ipv4", "ipv6"])
    name = rng.choice([None, "number", *PROTOCOLS])
    if name:
        number = rng.randrange(256) if name == "number" else PROTOCOLS[name]
        rule["protocol"] = number
        if number in (1, 58):
            family = "ipv4" if number == 1 else "ipv6"
        words.append(name if name != "number" else str(number))
    if family:
        rule["family"] = family
        if chance(rng, 60) or rule.get("protocol") not in (1, 58):
            words.insert(0, family)
    return words, family


def make_rule(rng):
    rule = {"direction": rng.choice(["in", "out", "both"]), "action": rng.choice(ACTIONS)}
    words, family = head(rng, rule)
    protocol = rule.get("protocol")
    clauses = []
    if chance(rng, 20):
        rule["stateless"] = True
        clauses.append("stateless")
        if protocol == 6 and chance(rng, 70):
            rule["tcp-flags-mask"] = rng.randrange(1, 256)
            rule["tcp-flags"] = rule["tcp-flags-mask"] & rng.randrange(256)
            clauses.append("flags " + flag_words(rng, rule["tcp-flags"]) + "/" +
                           flag_words(rng, rule["tcp-flags-mask"]))
    if protocol in (1, 58) and chance(rng, 60):
        rule["icmp-type"] = rng.randrange(256)
        clauses.append(f"type {rule['icmp-type']}")
        if chance(rng, 50):
            rule["icmp-code"] = rng.randrange(256)
            clauses.append(f"code {rule['icmp-code']}")
    for name in ("remote", "local"):
        clauses += end(rng, rule, name, family, protocol in WITH_PORTS)
    if chance(rng, 30):
        rule["comment"] = comment(rng)
        escaped = rule["comment"].replace("\\", "\\\\").replace('"', '\\"')
        clauses.append(f'comment "{escaped}"')
    rng.shuffle(clauses)
    words = [rule["action"], rule["direction"], *words, *clauses]
    text = words[0] + "".join(blank(rng) + word for word in words[1:])
    attributes = list(rule.items())
    rng.shuffle(attributes)
    return text, dict(attributes)


def make_policy(rng):
    """A policy as text and as the object of its JSON form."""
    top = {"rules": []}
    lines = []
    for direction in ("in", "out"):
        if chance(rng, 60):
            top[f"default-{direction}"] = rng.choice(ACTIONS)
            lines.append(f"default {direction} {top[f'default-{direction}']}")
    limits = {name: rng.randrange(1, most + 1) for name, most in LIMITS.items() if chance(rng, 50)}
    lines += [f"limit {name} {value}" for name, value in limits.items()]
    if chance(rng, 50):
        limits["pick-up"] = rng.randrange(2)
        lines.append(f"pick-up {'on' if limits['pick-up'] else 'off'}")
    if limits:
        top["limits"] = limits
    timeouts = {name: rng.choice([1, 59, 60, 3600, 86400, 1728000, rng.randrange(1, 1728001)])
                for name in TIMEOUTS if chance(rng, 30)}
    if timeouts:
        top["timeouts"] = timeouts
    lines += [f"timeout {name} {duration(rng, value)}" for name, value in timeouts.items()]
    rng.shuffle(lines)
    for _ in range(rng.choice([0, 1, 10, 200])):
        text, rule = make_rule(rng)
        lines.append(text + rng.choice(["", "", " # why", "\t"]))
        top["rules"].append(rule)
        if chance(rng, 5):
            lines.append("# a comment, and an empty line\n")
    return rng.choice(["\n", "\r\n"]).join(lines) + rng.choice(["", "\n"]), top


def convert(text, form):
    run = subprocess.run([TOOL, "policy", "check", "-", "format", form], input=text.encode(),
                         capture_output=True, check=False)
    if run.returncode:
        raise ValueError(run.stderr.decode(errors="replace"))
    return run.stdout.decode()


def check(text, top):
    """Returns what went wrong, or None."""
    canonical = convert(text, "text")
    as_json = convert(text, "json")
    for what, source in (("canonical text", canonical), ("JSON", as_json),
                         ("generated JSON", json.dumps(top)),
                         ("pretty JSON", json.dumps(top, indent=3, ensure_ascii=False))):
        if convert(source, "text") != canonical:
            return f"{what} is not the same as text"
        if convert(source, "json") != as_json:
            return f"{what} is not the same as JSON"
    written = json.loads(as_json)
    if len(written["rules"]) != len(top["rules"]):
        return "rules are missing"
    for mine, its in zip(top["rules"], written["rules"]):
        if any(its.get(key) != value for key, value in mine.items()
               if key not in ("local", "remote", "local-ports", "remote-ports")):
            return f"{mine} became {its}"
    return None


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 25
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    for i in range(count):
        text, top = make_policy(random.Random(seed + i))
        try:
            wrong = check(text, top)
        except ValueError as error:
            wrong = str(error)
        if wrong:
            print(f"not ok: seed {seed + i}: {wrong}")
            return 1
    print(f"policy_random: {count} policies passed, seed {seed}")
    return 0


sys.exit(main())
