#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Policies and what "vfw-nl policy check" has to say about them, to the letter.

Usage: policy_golden.py BUILD_DIR
"""

import json
import os
import pty
import re
import subprocess
import sys

TOOL = os.path.join(sys.argv[1], "vfw-nl")
EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "../../Documentation/examples")
CLAUSES = "stateless, flags, type, code, remote, local, comment or end of line"
PORT = "a port from 0 to 65535, or a range such as 8000-8999"
STATEMENT = "pass, drop, reject, default, limit, timeout or pick-up"
DURATION = "a duration from 1s to 20d, such as 30s or 2h4m"
NO_PORTS = ("ports in a rule whose protocol has none, "
            "expected tcp, udp, udplite, sctp or dccp")
COMMENT = "control character or broken UTF-8 in a comment, expected printable UTF-8"

# Text, and its one error without the file's name.
BAD = [
    ("word", "frob in", f"1:1: unexpected 'frob', expected {STATEMENT}"),
    ("upper case", "PASS in", f"1:1: unexpected 'PASS', expected {STATEMENT}"),
    ("second line", "pass in\n\n  drop up\n", "3:8: unexpected 'up', expected in, out or both"),
    ("carriage returns", "pass in\r\ndrop up\r\n",
     "2:6: unexpected 'up', expected in, out or both"),
    ("lone carriage return", "pass in\rpass out\n",
     "1:8: unexpected byte 0x0d, expected a protocol, stateless, remote, local, comment "
     "or end of line"),
    ("continued", "pass in tcp \\\n  local prt 22",
     "2:9: unexpected 'prt', expected an IPv4 or IPv6 address, or port"),
    ("backslash inside", "pass \\ in", "1:6: unexpected '\\', expected in, out or both"),
    ("backslash at the end", "pass in \\",
     "1:9: unexpected '\\', expected a protocol, stateless, remote, local, comment "
     "or end of line"),
    ("continued comment is none", "pass in # \\\nfrob",
     f"2:1: unexpected 'frob', expected {STATEMENT}"),
    ("nothing after", "pass", "1:5: unexpected end of file, expected in, out or both"),
    ("nul", "pass in\0", "1:8: unexpected byte 0x00, expected a protocol, stateless, remote, "
     "local, comment or end of line"),
    ("long word", "x" * 50, f"1:1: unexpected '{'x' * 40}'..., expected {STATEMENT}"),
    ("default twice", "default in drop\ndefault in pass\n",
     "2:1: 'default in' a second time, expected it once"),
    ("default out twice", "default out drop\ndefault out drop\n",
     "2:1: 'default out' a second time, expected it once"),
    ("default both", "default both drop", "1:9: unexpected 'both', expected in or out"),
    ("default action", "default in accept",
     "1:12: unexpected 'accept', expected pass, drop or reject"),
    ("more than a default", "default in drop pass", "1:17: unexpected 'pass', expected end of line"),
    ("limit name", "limit flow 3",
     "1:7: unexpected 'flow', expected flows, half-open, source-flows, fragments or "
     "fragment-bytes"),
    ("limit of no fragments", "limit fragments 0",
     "1:17: unexpected '0', expected a number from 1 to 16384"),
    ("limit of fragment bytes", "limit fragment-bytes 67108865",
     "1:22: unexpected '67108865', expected a number from 0 to 67108864"),
    ("limit 0", "limit flows 0", "1:13: unexpected '0', expected a number from 1 to 16777216"),
    ("limit source", "limit source-flows 16777217",
     "1:20: unexpected '16777217', expected a number from 0 to 16777216"),
    ("limit high", "limit half-open 16777217",
     "1:17: unexpected '16777217', expected a number from 1 to 16777216"),
    ("limit huge", "limit flows 18446744073709551617",
     "1:13: unexpected '18446744073709551617', expected a number from 1 to 16777216"),
    ("limit sign", "limit flows -1", "1:13: unexpected '-1', expected a number from 1 to 16777216"),
    ("limit octal", "limit flows 010", "1:13: unexpected '010', expected a number from 1 to 16777216"),
    ("limit hex", "limit flows 0x10", "1:13: unexpected '0x10', expected a number from 1 to 16777216"),
    ("limit missing", "limit flows\n", "1:12: unexpected end of line, expected a number from 1 to 16777216"),
    ("limit twice", "limit flows 3\nlimit flows 4", "2:7: 'flows' a second time, expected it once"),
    ("pick-up", "pick-up yes", "1:9: unexpected 'yes', expected off or on"),
    ("pick-up twice", "pick-up on\npick-up off", "2:1: 'pick-up' a second time, expected it once"),
    ("timeout name", "timeout tcp 3",
     "1:9: unexpected 'tcp', expected tcp-syn-sent, tcp-syn-recv, tcp-established, tcp-fin-wait, "
     "tcp-close-wait, tcp-last-ack, tcp-time-wait, tcp-close, udp-new, udp-stream, icmp, other, "
     "sctp-opening, sctp-established, sctp-closing or fragment"),
    ("timeout twice", "timeout icmp 3\ntimeout icmp 3s", "2:9: 'icmp' a second time, expected it once"),
] + [
    (f"duration {d}", f"timeout icmp {d}", f"1:14: unexpected '{d}', expected {DURATION}")
    for d in ("0", "0s", "5x", "m", "5m3", "2m2h", "2m2m", "20d1s", "1728001", "01m", "1.5h",
              "99999999999d", "9999999999d9999999999h")
] + [
    ("host bits", "pass in remote 10.0.0.1/8",
     "1:16: 10.0.0.1/8 has bits set beyond the prefix, expected 10.0.0.0/8"),
    ("host bits IPv6", "pass in tcp local 2001:db8::1/127 port 3",
     "1:19: 2001:db8::1/127 has bits set beyond the prefix, expected 2001:db8::/127"),
    ("host bits at 0", "pass in remote 128.0.0.0/0",
     "1:16: 128.0.0.0/0 has bits set beyond the prefix, expected 0.0.0.0/0"),
    ("prefix", "pass in remote 10.0.0.0/33", "1:25: unexpected '33', expected a prefix length from 0 to 32"),
    ("prefix IPv6", "pass in remote ::/129", "1:19: unexpected '129', expected a prefix length from 0 to 128"),
    ("prefix mask", "pass in remote 10.0.0.0/255.0.0.0",
     "1:25: unexpected '255.0.0.0', expected a prefix length from 0 to 32"),
    ("no prefix", "pass in remote 10.0.0.0/", "1:25: unexpected end of file, expected a prefix length from 0 to 32"),
    ("address", "pass in remote 10.0.0", "1:16: unexpected '10.0.0', expected an IPv4 or IPv6 address, or port"),
    ("address range", "pass in remote 10.0.0.0-10.0.0.9",
     "1:16: unexpected '10.0.0.0-10.0.0.9', expected an IPv4 or IPv6 address, or port"),
    ("host name", "pass in remote example.com",
     "1:16: unexpected 'example.com', expected an IPv4 or IPv6 address, or port"),
    ("zone", "pass in remote fe80::1%eth0",
     f"1:23: unexpected '%', expected {CLAUSES}"),
    ("no end", "pass in remote local ::1",
     "1:16: unexpected 'local', expected an IPv4 or IPv6 address, or port"),
    ("mixed ends", "pass in remote 10.0.0.0/8 local ::1",
     "1:33: local address is of ipv6, expected ipv4 as the remote address says"),
    ("mixed family", "pass in ipv6 tcp local 10.0.0.1",
     "1:24: local address is of ipv4, expected ipv6 as the family says"),
    ("mixed icmp", "pass in icmp remote ::1",
     "1:21: remote address is of ipv6, expected ipv4 as the protocol says"),
    ("mixed icmpv6", "pass in ipv4 58", "1:14: protocol is of ipv6, expected ipv4 as the family says"),
    ("family late", "pass in tcp ipv4", f"1:13: unexpected 'ipv4', expected {CLAUSES}"),
    ("family any", "pass in any", "1:9: unexpected 'any', expected a protocol, stateless, remote, "
     "local, comment or end of line"),
    ("protocol", "pass in tpc", "1:9: unexpected 'tpc', expected a protocol, stateless, remote, "
     "local, comment or end of line"),
    ("protocol 256", "pass in 256", "1:9: unexpected '256', expected a protocol's number from 0 to 255"),
    ("two protocols", "pass in tcp udp", f"1:13: unexpected 'udp', expected {CLAUSES}"),
    ("ports of none", "pass in local port 80", f"1:15: {NO_PORTS}"),
    ("ports of gre", "pass in gre remote ::1 port 80", f"1:24: {NO_PORTS}"),
    ("upside down", "pass in tcp local port 22, 90-80", "1:28: unexpected '90-80', expected the lower port first"),
    ("port high", "pass in tcp local port 65536", f"1:24: unexpected '65536', expected {PORT}"),
    ("range high", "pass in tcp local port 1-65536", f"1:24: unexpected '1-65536', expected {PORT}"),
    ("port name", "pass in tcp local port ssh", f"1:24: unexpected 'ssh', expected {PORT}"),
    ("open range", "pass in tcp local port 80-", f"1:24: unexpected '80-', expected {PORT}"),
    ("two dashes", "pass in tcp local port 80-90-99", f"1:24: unexpected '80-90-99', expected {PORT}"),
    ("comma", "pass in tcp local port 80,", f"1:27: unexpected end of file, expected {PORT}"),
    ("33 ranges", "pass in tcp local port " + ",".join("%02d" % (n + 10) for n in range(33)),
     "1:120: more than 32 ranges in a port set, expected another rule for the rest"),
    ("flags and flows", "pass in tcp flags syn", "1:13: flags in a rule that opens flows, expected stateless"),
    ("flags of udp", "pass in udp stateless flags syn", "1:23: flags in a rule of another protocol, expected tcp"),
    ("flag", "pass in tcp stateless flags sin",
     "1:29: unexpected 'sin', expected fin, syn, rst, psh, ack, urg, ece or cwr"),
    ("flags outside", "pass in tcp stateless flags syn,ack/syn",
     "1:23: flags outside their mask, expected them in the mask too"),
    ("flags none", "pass in tcp stateless flags none",
     "1:23: mask without a flag, expected at least one"),
    ("mask none", "pass in tcp stateless flags syn/none",
     "1:33: unexpected 'none', expected fin, syn, rst, psh, ack, urg, ece or cwr"),
    ("code alone", "pass in icmp code 3", "1:14: code without a type, expected the type too"),
    ("type of tcp", "pass in tcp type 3",
     "1:13: type in a rule whose protocol has none, expected icmp or icmpv6"),
    ("type high", "pass in icmpv6 type 256",
     "1:21: unexpected '256', expected a number from 0 to 255, destination-unreachable, "
     "packet-too-big, time-exceeded, parameter-problem, echo-request, echo-reply, listener-query, "
     "listener-report, listener-done, router-solicitation, router-advertisement, "
     "neighbor-solicitation, neighbor-advertisement, redirect or listener-report-v2"),
    ("code high", "pass in icmp type 3 code 256", "1:26: unexpected '256', expected a number from 0 to 255"),
    ("remote twice", "pass in remote ::1 remote ::2", "1:20: 'remote' a second time, expected it once"),
    ("comment twice", 'pass in comment "a" comment "b"', "1:21: 'comment' a second time, expected it once"),
    ("comment bare", "pass in comment ssh", "1:17: unexpected 'ssh', expected a comment in double quotes"),
    ("comment open", 'pass in comment "ssh\n', "1:17: unexpected a string that is not closed, "
     "expected a comment in double quotes"),
    ("comment escaped open", 'pass in comment "ssh\\"', "1:17: unexpected a string that is not closed, "
     "expected a comment in double quotes"),
    ("comment escape", 'pass in comment "a\\n"', '1:19: unknown escape, expected \\" or \\\\'),
    ("comment control", 'pass in comment "a\x1b[m"', f"1:19: {COMMENT}"),
    ("comment C1", 'pass in comment "a\u0085"', f"1:19: {COMMENT}"),
    ("comment UTF-8", b'pass in comment "\xc3\xa4\xff"', f"1:19: {COMMENT}"),
    ("comment overlong", b'pass in comment "\xc0\xaf"', f"1:18: {COMMENT}"),
    ("comment surrogate", b'pass in comment "\xed\xa0\x80"', f"1:18: {COMMENT}"),
    ("comment long", 'pass in comment "%s"' % ("x" * 128),
     "1:145: comment is too long, expected at most 127 bytes"),
    ("comment long UTF-8", 'pass in comment "%s"' % ("\u00e4" * 64),
     "1:81: comment is too long, expected at most 127 bytes"),
    ("columns are characters", 'pass in comment "\u00e4\u20ac" x', f"1:22: unexpected 'x', expected {CLAUSES}"),
]

# JSON, and its errors without the file's name.
BAD_JSON = [
    ("syntax", '{"rules": [\n {"action" 1}]}', ["2:12: ':' expected near '1', expected well-formed JSON"]),
    ("comma", '{"rules": [{"action":"pass"}\n {}]}', ["2:2: unexpected '{', expected ',' or ']'"]),
    ("cut", '{"rules": [', ["1:12: unexpected token near end of file, expected well-formed JSON"]),
    ("behind", '{} {}', ["1:4: unexpected '{', expected end of file"]),
    ("array", '[]', ["1:1: unexpected '[', expected '{'"]),
    ("name", '{"rule": []}',
     [" rule: unknown name, expected default-in, default-out, limits, timeouts or rules"]),
    ("twice", '{"rules": [], "rules": []}', [" rules: a second time, expected it once"]),
    ("action", '{"default-in": "accept", "default-out": 1}',
     [" default-in: unexpected 'accept', expected pass, drop or reject",
      " default-out: unexpected 1, expected pass, drop or reject"]),
    ("limits", '{"limits": {"flows": 0, "pick-up": true, "half-open": 1e3, "x": 0}}',
     [" limits.flows: unexpected 0, expected a number from 1 to 16777216",
      " limits.pick-up: unexpected true, expected a number from 0 to 1",
      " limits.half-open: unexpected fraction, expected a number from 1 to 16777216",
      " limits.x: unknown name, expected flows, half-open, source-flows, pick-up, fragments or "
      "fragment-bytes"]),
    ("timeouts", '{"timeouts": [3]}', [" timeouts: unexpected array, expected an object"]),
    ("rules", '{"rules": [{"action":"pass"}, 7, {}, {"action":"pass","remote":"10.0.0.0",'
     '"remote-prefix":33}, {"action":"pass","remote-prefix":129}]}',
     [" rules[1]: unexpected 7, expected an object",
      " rules[2]: rule without an action, expected action too",
      " rules[3].remote-prefix: prefix of 33 bits, expected 0 to 32",
      " rules[4].remote-prefix: unexpected 129, expected a number from 0 to 128"]),
    ("ports", '{"rules": [{"action":"pass","protocol":6,"local-ports":[{"first":1},'
     '{"first":2,"last":1},{"last":3},{"first":65536},5,{"first":1,"second":2}],"remote-ports":[]}]}',
     [" rules[0].local-ports[1].last: unexpected 1, expected a number from 2 to 65535",
      " rules[0].local-ports[2]: unexpected object, expected an object with first, and last where it is another",
      " rules[0].local-ports[3].first: unexpected 65536, expected a number from 0 to 65535",
      " rules[0].local-ports[4]: unexpected 5, expected an object with first, and last where it is another",
      " rules[0].local-ports[5]: unexpected object, expected an object with first, and last where it is another",
      " rules[0].remote-ports: unexpected array, expected an array of ranges"]),
    ("rule", '{"rules": [{"action":"pass","protocol":"tcp","stateless":1,"local":"10.0.0.0/8",'
     '"comment":"\\u001b","tcp-flags":-1}]}',
     [" rules[0].protocol: unexpected 'tcp', expected a number from 0 to 255",
      " rules[0].stateless: unexpected 1, expected true or false",
      " rules[0].local: unexpected '10.0.0.0/8', expected an IPv4 or IPv6 address",
      " rules[0].comment: control character in a comment, expected printable UTF-8",
      " rules[0].tcp-flags: unexpected -1, expected a number from 0 to 255"]),
    ("mask alone", '{"rules": [{"action":"pass","protocol":6,"stateless":true,"tcp-flags-mask":3}]}',
     [" rules[0].tcp-flags-mask: mask without flags, expected the flags too"]),
    ("prefix alone", '{"rules": [{"action":"pass","local-prefix":3}]}',
     [" rules[0].local-prefix: prefix without an address, expected the address too"]),
    ("escape in a name", '{"rules": [{"\\u001b[31m":3}]}',
     [" rules[0].?[31m: unknown attribute, expected direction, family, action, stateless, local, "
      "local-prefix, remote, remote-prefix, protocol, local-ports, remote-ports, icmp-type, "
      "icmp-code, tcp-flags, tcp-flags-mask, comment"]),
]

# Text, canonical text after the two defaults, and the JSON of its rules.
GOOD = [
    ("nothing", "", "", []),
    ("comment only", "# a\n\n  # b", "", []),
    ("blanks", "\t pass\tin  # x", "pass in\n", [{"direction": "in", "action": "pass"}]),
    ("carriage returns", "pass in\r\ndrop \\\r\n out\r\n", "pass in\ndrop out\n", None),
    ("continued", "pass \\\n in \\\n", "pass in\n", None),
    ("ports", "pass in tcp remote 10.0.0.0/8 local port 22, 80,8000-8999 , 9-9",
     "pass in tcp remote 10.0.0.0/8 local port 22, 80, 8000-8999, 9\n",
     [{"direction": "in", "family": "ipv4", "action": "pass", "protocol": 6,
       "remote": "10.0.0.0", "remote-prefix": 8,
       "local-ports": [{"first": 22, "last": 22}, {"first": 80, "last": 80},
                       {"first": 8000, "last": 8999}, {"first": 9, "last": 9}]}]),
    ("any order", 'drop out udp comment "x" local port 0-65535 remote port 53 stateless',
     'drop out udp stateless remote port 53 local port 0-65535 comment "x"\n', None),
    ("flags", "drop in tcp flags syn,fin/fin,syn,rst stateless",
     "drop in tcp stateless flags fin,syn/fin,syn,rst\n",
     [{"direction": "in", "action": "drop", "stateless": True, "protocol": 6,
       "tcp-flags": 3, "tcp-flags-mask": 7}]),
    ("flags alone", "drop in tcp stateless flags syn", "drop in tcp stateless flags syn/syn\n", None),
    ("flags none", "drop in tcp stateless flags none/cwr", "drop in tcp stateless flags none/cwr\n",
     [{"direction": "in", "action": "drop", "stateless": True, "protocol": 6,
       "tcp-flags": 0, "tcp-flags-mask": 128}]),
    ("icmp", "pass in icmp type 8 code 0\npass in icmp type 200\npass in 58 type 128",
     "pass in icmp type echo-request code 0\npass in icmp type 200\npass in icmpv6 type echo-request\n",
     [{"direction": "in", "family": "ipv4", "action": "pass", "protocol": 1, "icmp-type": 8, "icmp-code": 0},
      {"direction": "in", "family": "ipv4", "action": "pass", "protocol": 1, "icmp-type": 200},
      {"direction": "in", "family": "ipv6", "action": "pass", "protocol": 58, "icmp-type": 128}]),
    ("family", "pass both ipv4\npass both ipv4 icmp\npass both ipv6 remote ::/0",
     "pass both ipv4\npass both icmp\npass both remote ::/0\n", None),
    ("addresses", "pass in remote 2001:DB8:0:0::1/128 local 2001:db8::/32\npass in remote ::ffff:1.2.3.4",
     "pass in remote 2001:db8::1 local 2001:db8::/32\npass in remote ::ffff:1.2.3.4\n", None),
    ("protocols", "pass in 6\npass in 0\npass in 255\npass in esp\npass in 47",
     "pass in tcp\npass in 0\npass in 255\npass in esp\npass in gre\n", None),
    ("comment", 'pass in comment "a \\"b\\" \\\\ # \u00e4\u20ac\U0001f600"',
     'pass in comment "a \\"b\\" \\\\ # \u00e4\u20ac\U0001f600"\n',
     [{"direction": "in", "action": "pass", "comment": 'a "b" \\ # \u00e4\u20ac\U0001f600'}]),
    ("comment empty", 'pass in comment ""', "pass in\n", None),
    ("comment 127", 'pass in comment "%s"' % ("x" * 127), 'pass in comment "%s"\n' % ("x" * 127), None),
    ("32 ranges", "pass in tcp local port " + ",".join(str(n) for n in range(32)),
     "pass in tcp local port " + ", ".join(str(n) for n in range(32)) + "\n", None),
    ("settings", "pick-up on\ntimeout other 1728000\ntimeout icmp 90\nlimit half-open 1\nlimit flows 16777216",
     "limit flows 16777216\nlimit half-open 1\npick-up on\ntimeout icmp 1m30s\ntimeout other 20d\n", None),
    ("source limit", "limit source-flows 100\nlimit flows 50", "limit flows 50\nlimit source-flows 100\n", None),
    ("no source limit", "limit source-flows 0", "limit source-flows 0\n", None),
    ("fragments", "timeout fragment 60\nlimit fragments 1024\nlimit fragment-bytes 0",
     "limit fragments 1024\nlimit fragment-bytes 0\ntimeout fragment 1m\n", None),
    ("durations", "timeout udp-new 1d1h1m1s\ntimeout udp-stream 2h4m\ntimeout icmp 120m",
     "timeout udp-new 1d1h1m1s\ntimeout udp-stream 2h4m\ntimeout icmp 2h\n", None),
]

failed = 0
ran = 0


def report(what, good, detail=""):
    """Counts a check, and says when it went wrong."""
    global failed, ran
    ran += 1
    if not good:
        failed += 1
        print(f"not ok: {what}\n{detail}")


def check(text, *words):
    """Runs the tool on @text; returns exit status, output and errors."""
    if isinstance(text, str):
        text = text.encode()
    run = subprocess.run([TOOL, *words], input=text, capture_output=True, check=False)
    return run.returncode, run.stdout.decode(), run.stderr.decode(errors="replace")


def expect_errors(what, text, errors):
    status, out, err = check(text, "policy", "check", "-")
    expected = "".join(f"<stdin>:{error}\n" for error in errors)
    report(what, (status, out, err) == (1, "", expected),
           f"  status {status}, said     {err!r}\n  expected          {expected!r}")


def test_good(what, text, canonical, rules):
    status, out, err = check(text, "policy", "check", "-", "format", "text")
    head = "default in drop\ndefault out drop\n"
    report(what, (status, out, err) == (0, head + canonical, ""),
           f"  status {status}\n{err}{out}  expected\n{head}{canonical}")
    again = check(out, "policy", "check", "-", "format", "text")
    report(f"{what}: fixed point", again == (0, out, ""), f"{again}")
    status, as_json, err = check(text, "-j", "policy", "check", "-")
    report(f"{what}: JSON", status == 0 and not err, err)
    if rules is not None:
        report(f"{what}: JSON rules", json.loads(as_json)["rules"] == rules, as_json)
    back = check(as_json, "policy", "check", "-", "format", "text")
    report(f"{what}: back from JSON", back == (0, out, ""), f"{back}")


def test_error_limit():
    status, _, err = check("x\n" * 30, "policy", "check", "-")
    lines = err.splitlines()
    report("20 errors", status == 1 and len(lines) == 21 and lines[19].startswith("<stdin>:20:1:")
           and lines[20] == "<stdin>: more than 20 errors, giving up", err)
    status, _, err = check('{"rules":[' + ",".join(["{}"] * 30) + "]}", "policy", "check", "-")
    report("20 errors in JSON", status == 1 and len(err.splitlines()) == 21, err)
    status, _, err = check("x\n" * 20, "policy", "check", "-")
    report("no more than 20 errors", len(err.splitlines()) == 20, err)


def on_terminal(text):
    """Standard error as a terminal gets it."""
    master, slave = pty.openpty()
    with subprocess.Popen([TOOL, "policy", "check", "-"], stdin=subprocess.PIPE,
                          stderr=slave) as run:
        run.communicate(text)
    os.close(slave)
    out = b""
    try:
        while chunk := os.read(master, 4096):
            out += chunk
    except OSError:
        pass
    os.close(master)
    return out.decode().replace("\r\n", "\n")


def test_carets():
    out = on_terminal('pass\tin comment "\u00e4" \x1bx\n'.encode())
    report("caret", out.splitlines()[1:] == ['  pass\tin comment "\u00e4" ?x', "      \t               ^"],
           repr(out))
    report("no caret under a long line", on_terminal(b"x " * 200).count("\n") == 1)


def test_in_force():
    """What "policy show" adds is no obstacle to loading it."""
    text = ('{"default-in":"drop","epoch":7,"memory":4096,"vm":"x","rules":'
            '[{"number":1,"action":"pass","packets":3,"bytes":4}]}')
    status, out, err = check(text, "policy", "check", "-", "format", "text")
    report("in force", (status, out) == (0, "default in drop\ndefault out drop\npass both\n"), err)


def test_most_rules():
    text = "pass in\n" * 1000000
    status, out, err = check(text, "policy", "check", "-")
    report("a million rules", (status, out, err) == (0, "<stdin>: 1000000 rules\n", ""), err)
    status, _, err = check(text + "drop in\ndrop in\n", "policy", "check", "-")
    report("a million and one", (status, err) == (1, "<stdin>:1000001:1: more rules than a policy "
                                                  "can have, expected at most 1000000\n"), err)


def test_usage():
    status, _, err = check("", "policy", "check", "/nonexistent")
    report("no file", status == 1 and re.search("/nonexistent: No such file", err), err)
    report("no format", check("", "policy", "check", "-", "format", "xml")[0] == 1)
    report("one rule", check("pass in", "policy", "check", "-")[1] == "<stdin>: 1 rule\n")


def main():
    for what, text, error in BAD:
        expect_errors(what, text, [error])
    for what, text, errors in BAD_JSON:
        expect_errors(f"JSON {what}", text, errors)
    for case in GOOD:
        test_good(*case)
    for name in sorted(os.listdir(EXAMPLES)):
        if name.endswith(".policy"):
            with open(os.path.join(EXAMPLES, name), "rb") as file:
                report(name, check(file.read(), "policy", "check", "-")[0] == 0)
    test_error_limit()
    test_carets()
    test_in_force()
    test_most_rules()
    test_usage()
    print(f"policy_golden: {ran - failed} of {ran} checks passed")
    return 1 if failed else 0


sys.exit(main())
