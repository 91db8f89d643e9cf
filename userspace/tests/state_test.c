// SPDX-License-Identifier: GPL-2.0
/* snapshot info on good, damaged and hostile snapshots; what it says is matched. */
#include "stream.h"
#include "../args.h"
#include "../snapshot.h"
#include "../spec.h"

#include <endian.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct stream stream;
static char said[4096];
static int real_stderr;
static unsigned int failures, cases;

static void complain(const char *what, const char *expected)
{
	dprintf(real_stderr, "FAIL: %s: expected '%s', it said '%s'\n", what, expected, said);
	failures++;
}

static int in_memory(const void *bytes, size_t length)
{
	int fd = memfd_create("snapshot", 0);

	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
		abort();
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* Return: exit code of snapshot info; what it put to stderr is in said[]. */
static int info(const void *bytes, size_t length)
{
	int fd = in_memory(bytes, length);
	char name[32];
	char *word = name;
	struct args args = { 1, &word };
	ssize_t got;
	int code;

	snprintf(name, sizeof(name), "/dev/fd/%d", fd);
	if (ftruncate(STDERR_FILENO, 0))
		abort();
	lseek(STDERR_FILENO, 0, SEEK_SET);
	code = snapshot_info(&args);
	lseek(STDERR_FILENO, 0, SEEK_SET);
	got = read(STDERR_FILENO, said, sizeof(said) - 1);
	said[got > 0 ? got : 0] = '\0';
	close(fd);
	cases++;
	return code;
}

static void expect(const char *what, const char *message)
{
	int code = info(stream.bytes, stream.length);

	if (!message && (code != DONE || said[0]))
		complain(what, "nothing");
	else if (message && (code != FAILED || !strstr(said, message)))
		complain(what, message);
}

static void test_good(void)
{
	static const struct stream_content contents[] = {
		{ },
		{ .no_policy = true },
		{ .rules = 500, .flows_ipv4 = 1000, .flows_ipv6 = 800, .flows_tagged = 700 },
		{ .rules = 1, .flows_ipv6 = 1 },
		{ .flows_tagged = 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
		stream_make(&stream, &contents[i]);
		expect("good", NULL);
		options.json = true;
		expect("good, JSON", NULL);
		options.json = false;
		options.details = true;
		expect("good, details", NULL);
		options.details = false;
		stream_free(&stream);
	}
}

static void test_truncated(void)
{
	for (size_t length = 0; length < stream.length; length++)
		if (info(stream.bytes, length) != FAILED || !strstr(said, "ends"))
			complain("truncated", "... ends ...");
}

static void test_flipped(void)
{
	for (size_t at = 0; at < stream.length; at++) {
		stream.bytes[at] ^= 1 << at % 8;
		if (info(stream.bytes, stream.length) != FAILED || !strstr(said, "frame "))
			complain("flipped", "frame ...");
		stream.bytes[at] ^= 1 << at % 8;
	}
}

/*
 * Each byte set to some values with checksums made right: whatever comes of it, it comes
 * without a crash, and a fault is said where there is one.
 */
static void test_hostile(void)
{
	static const __u8 values[] = { 0x00, 0x01, 0x20, 0x7f, 0xff };

	for (size_t at = 0; at < stream.length; at++) {
		__u8 before = stream.bytes[at];

		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			int code;

			stream.bytes[at] = values[i];
			stream_seal(&stream);
			code = info(stream.bytes, stream.length);
			if (!code != !said[0])
				complain("hostile", code ? "something" : "nothing");
		}
		stream.bytes[at] = before;
	}
	stream_seal(&stream);
}

/* Sets bytes of the first frame of a type, @at from its beginning, and sees what is said. */
static void set(const char *message, unsigned int type, size_t at, const void *value,
		size_t length)
{
	__u8 *bytes = (__u8 *)stream_frame(&stream, type) + at;
	__u8 before[32];

	memcpy(before, bytes, length);
	memcpy(bytes, value, length);
	stream_seal(&stream);
	expect(message ? message : "a record that is good", message);
	memcpy(bytes, before, length);
	stream_seal(&stream);
}

#define SET(message, type, at, value)						\
	set(message, VFW_FRAME_TYPE_##type, at, &(typeof(value)){ value },	\
	    sizeof(value))
/* The same with bytes, which need not be of one field. */
#define BYTES(message, type, at, ...)						\
	set(message, VFW_FRAME_TYPE_##type, at, (const __u8[]){ __VA_ARGS__ },	\
	    sizeof((const __u8[]){ __VA_ARGS__ }))
#define IN(record, field) (sizeof(struct vfw_state_frame) + offsetof(struct record, field))
#define HEAD(field) offsetof(struct vfw_state_frame, field)

static void test_frames(void)
{
	SET("this is no snapshot", HEADER, HEAD(magic), (__u8)0);
	SET("no frame begins here", STATS, HEAD(magic), (__u8)0);
	SET("of version 3", HEADER, HEAD(version), htole16(3));
	SET("of version 1", HEADER, HEAD(version), htole16(1));
	SET("there is no frame type 11", END, HEAD(type), htole16(11));
	SET("there is no frame type 0", VM, HEAD(type), htole16(0));
	SET("of type vm cannot stand first", HEADER, HEAD(type),
	    htole16(VFW_FRAME_TYPE_VM));
	SET("of type stats cannot stand after stats", FLOWS_IPV4, HEAD(type),
	    htole16(VFW_FRAME_TYPE_STATS));
	SET("of type rules cannot stand after port", POLICY, HEAD(type),
	    htole16(VFW_FRAME_TYPE_RULES));
	SET("cannot have 32776 bytes", FLOWS_IPV4, HEAD(length), htole32(32776));
	SET("cannot have 16 bytes", FLOWS_IPV4, HEAD(length), htole32(16));
	SET("cannot have 65 bytes", STATS, HEAD(length), htole32(65));
	SET("number 7", VM, HEAD(sequence), htole32(7));
	SET("records in a frame of type port", PORT, HEAD(count), htole32(65));
	SET("0 records in a frame of type header", HEADER, HEAD(count), htole32(0));
	SET("do not make a frame of", FLOWS_IPV4, HEAD(count), htole32(1));
	/* So many make the same frame in 32 bits. */
	SET("780903146 records", FLOWS_IPV4, HEAD(count), htole32(0x2e8ba2ea));
	SET("counts 99 frames", END, IN(vfw_state_end, frames), htole32(99));
	SET("counts 9 ports", END, IN(vfw_state_end, ports), htole32(9));
	SET("counts 9 rules", END, IN(vfw_state_end, rules), htole32(9));
	SET("counts 9 IPv4", END, IN(vfw_state_end, flows_ipv4), htole32(9));
	SET("counts 9 IPv6", END, IN(vfw_state_end, flows_ipv6), htole32(9));
	SET("counts 9 flows in VLANs", END, IN(vfw_state_end, flows_tagged), htole32(9));
	SET("reserved", END, IN(vfw_state_end, reserved), htole32(1));
	SET("counts 9 bytes", END, IN(vfw_state_end, bytes), htole64(9));
}

static void test_records(void)
{
	SET("incarnation is out of range", HEADER, IN(vfw_state_header, incarnation), htole64(0));
	SET("unknown flags", HEADER, IN(vfw_state_header, flags), htole32(4));
	SET("byte 56: this is a live stream", HEADER, IN(vfw_state_header, flags),
	    htole32(VFW_STATE_HEADER_LIVE));
	SET("this is a live stream", HEADER, IN(vfw_state_header, flags), htole32(-1));
	SET("more flows are announced", HEADER, IN(vfw_state_header, flows_ipv4),
	    htole32(VFW_FLOWS_MAX + 1));
	SET("more flows are announced", HEADER, IN(vfw_state_header, flows_ipv6), htole32(-1));
	SET("more flows are announced", HEADER, IN(vfw_state_header, flows_tagged),
	    htole32(VFW_FLOWS_MAX + 1));
	SET("creator", HEADER, IN(vfw_state_header, creator[23]), (__u8)1);
	SET("creator", HEADER, IN(vfw_state_header, creator[13]), htobe64(1));
	SET("name", VM, IN(vfw_state_vm, name[63]), (__u8)'x');
	SET("name is empty", VM, IN(vfw_state_vm, name), htole32(0));
	BYTES("name is not UTF-8", VM, IN(vfw_state_vm, name), 0x1b);
	BYTES("name is not UTF-8", VM, IN(vfw_state_vm, name), 0x7f);
	BYTES("name is not UTF-8", VM, IN(vfw_state_vm, name), 0xc2, 0x9f);
	BYTES("name is not UTF-8", VM, IN(vfw_state_vm, name), 0xed, 0xa0, 0x80);
	BYTES("name is not UTF-8", VM, IN(vfw_state_vm, name[2]), 0xe2, 0x80);
	BYTES(NULL, VM, IN(vfw_state_vm, name), 0xe2, 0x80, 0xa8);
	SET("name is empty", PORT, IN(vfw_state_port, name), (__u8)0);
	BYTES("none that a netdev", PORT, IN(vfw_state_port, name), 'a', '/', ' ', 'b');
	BYTES("none that a netdev", PORT, IN(vfw_state_port, name), ':');
	BYTES("none that a netdev", PORT, IN(vfw_state_port, name), 0xc3, 0xa0);
	BYTES("none that a netdev", PORT, IN(vfw_state_port, name), '.', 0, 0, 0);
	BYTES("none that a netdev", PORT, IN(vfw_state_port, name), '.', '.', 0, 0);
	BYTES(NULL, PORT, IN(vfw_state_port, name), '.', '.', '.', 0x1b);
	SET("there is no port-type 2", PORT, IN(vfw_state_port, type), (__u8)2);
	SET("unknown flags 0x2", PORT, IN(vfw_state_port, flags), (__u8)2);
	SET("reserved", PORT, IN(vfw_state_port, reserved[5]), (__u8)1);
	SET("unknown flags", POLICY, IN(vfw_state_policy, flags), (__u8)4);
	SET("there is no policy, but", POLICY, IN(vfw_state_policy, flags), (__u8)0);
	SET("there is no action 3", POLICY, IN(vfw_state_policy, default_in), (__u8)3);
	SET("rules 1000001", POLICY, IN(vfw_state_policy, rules), htole32(1000001));
	SET("says it has 3 rules", POLICY, IN(vfw_state_policy, rules),
	    htole32(3));
	SET("says it has 5 rules, 4 came", POLICY, IN(vfw_state_policy, rules),
	    htole32(5));
	SET("most flows 0", POLICY, IN(vfw_state_policy, max_flows), htole32(0));
	SET("icmp 1728001", POLICY, IN(vfw_state_policy, timeouts[10]), htole32(1728001));
	SET("cannot have 8 bytes", RULES, IN(vfw_state_rule, length), htole16(8));
	SET("cannot have 0 bytes", RULES, IN(vfw_state_rule, length), htole16(0));
	SET("cannot have 65528 bytes", RULES, IN(vfw_state_rule, length), htole16(65528));
	SET("unknown flags", RULES, IN(vfw_state_rule, flags), (__u8)0x82);
	SET("no action 255", RULES, IN(vfw_state_rule, action), (__u8)255);
	SET("more than 32 ranges", RULES, IN(vfw_state_rule, local_ranges), (__u8)33);
	SET("a comment of 128", RULES, IN(vfw_state_rule, comment_length), (__u8)128);
	SET("an ICMP type", RULES, IN(vfw_state_rule, icmp_type), (__u8)1);
	SET("an address where", RULES, IN(vfw_state_rule, local), (__u8)1);
	SET("an address of no family", RULES, IN(vfw_state_rule, flags),
	    (__u8)(VFW_STATE_RULE_LOCAL | VFW_STATE_RULE_PROTOCOL));
	SET("reasons do not fit", STATS, IN(vfw_state_stats, drops), htole32(3));
	SET("no drop-reason ", STATS, sizeof(struct vfw_state_stats) +
	    IN(vfw_state_drop, reason), htole32(spec_drop_reason.count));
	SET("out of order", STATS, sizeof(struct vfw_state_stats) +
	    IN(vfw_state_drop, reason), htole32(28));
}

/* Flags, action, direction, family, protocol; type and code of ICMP; TCP flags and their mask. */
#define RULE(message, ...) BYTES(message, RULES, IN(vfw_state_rule, flags), __VA_ARGS__)

/* The first rule has ranges of both ends and a comment, the second one (88 bytes on) has none. */
static void test_rules(void)
{
	const size_t second = 88;
	const size_t ranges = IN(vfw_state_rule, length) + sizeof(struct vfw_state_rule);
	const size_t comment = ranges + 2 * sizeof(struct vfw_state_range);

	RULE("whose protocol has none", 0, 1, 0, 0, 0);
	RULE("whose protocol has none", VFW_STATE_RULE_PROTOCOL, 1, 0, 0, IPPROTO_GRE);
	RULE(NULL, VFW_STATE_RULE_PROTOCOL, 1, 0, 0, IPPROTO_DCCP);
	RULE("an ICMP type in a rule of another", VFW_STATE_RULE_PROTOCOL |
	     VFW_STATE_RULE_ICMP_TYPE, 1, 0, 0, IPPROTO_TCP, 8);
	RULE("TCP flags in a rule of another", VFW_STATE_RULE_PROTOCOL |
	     VFW_STATE_RULE_TCP_FLAGS, 1, 0, 0, IPPROTO_UDP, 0, 0, 2, 2);
	RULE("that opens flows", VFW_STATE_RULE_PROTOCOL | VFW_STATE_RULE_TCP_FLAGS,
	     1, 0, 0, IPPROTO_TCP, 0, 0, 2, 2);
	RULE("no TCP flag is under the mask", VFW_STATE_RULE_PROTOCOL |
	     VFW_STATE_RULE_TCP_FLAGS | VFW_STATE_RULE_STATELESS,
	     1, 0, 0, IPPROTO_TCP, 0, 0, 0, 0);
	RULE("that the mask leaves out", VFW_STATE_RULE_PROTOCOL |
	     VFW_STATE_RULE_TCP_FLAGS | VFW_STATE_RULE_STATELESS,
	     1, 0, 0, IPPROTO_TCP, 0, 0, 3, 2);
	RULE(NULL, VFW_STATE_RULE_PROTOCOL | VFW_STATE_RULE_TCP_FLAGS | VFW_STATE_RULE_STATELESS,
	     1, 0, 0, IPPROTO_TCP, 0, 0, 2, 3);
	BYTES("is empty", RULES, ranges, 81);
	BYTES("the comment is not UTF-8", RULES, comment, 0x0a);
	BYTES("a zero within the comment", RULES, comment, 0);
	BYTES("ICMP, in a rule of IPv6", RULES, second + IN(vfw_state_rule, flags),
	      VFW_STATE_RULE_PROTOCOL | VFW_STATE_RULE_REMOTE, 1, 0, 2, IPPROTO_ICMP);
	BYTES("ICMPv6, in a rule of IPv4", RULES, second + IN(vfw_state_rule, flags),
	      VFW_STATE_RULE_PROTOCOL | VFW_STATE_RULE_REMOTE, 1, 0, 1, IPPROTO_ICMPV6);
	BYTES("code without a type", RULES, second + IN(vfw_state_rule, flags),
	      VFW_STATE_RULE_PROTOCOL | VFW_STATE_RULE_REMOTE | VFW_STATE_RULE_ICMP_CODE,
	      1, 0, 1, IPPROTO_ICMP, 0, 1);
	BYTES(NULL, RULES, second + IN(vfw_state_rule, flags), VFW_STATE_RULE_PROTOCOL |
	      VFW_STATE_RULE_REMOTE | VFW_STATE_RULE_ICMP_TYPE | VFW_STATE_RULE_ICMP_CODE,
	      1, 0, 1, IPPROTO_ICMP, 3, 1);
}

/* The fifth flow of the stream is of SCTP. */
#define SCTP_FLOW (4 * sizeof(struct vfw_state_flow4))

static void test_flow_records(void)
{
	SET("in state 0", FLOWS_IPV4, IN(vfw_state_flow, state), (__u8)0);
	SET("in state ", FLOWS_IPV6, IN(vfw_state_flow, state), (__u8)spec_flow_state.count);
	SET("protocol 6 cannot be in state stream", FLOWS_IPV4, IN(vfw_state_flow, state), (__u8)3);
	SET("protocol 6 cannot be in state sctp-est", FLOWS_IPV4, IN(vfw_state_flow, state),
	    (__u8)VFW_FLOW_STATE_SCTP_ESTABLISHED);
	SET("protocol 132 cannot be in state tcp-est", FLOWS_IPV4, IN(vfw_state_flow, protocol),
	    (__u8)132);
	SET("window scales in a flow of SCTP", FLOWS_IPV4, SCTP_FLOW + IN(vfw_state_flow, scales),
	    (__u8)1);
	SET("unknown SCTP flags", FLOWS_IPV4, SCTP_FLOW + IN(vfw_state_flow, tcp_flags_remote),
	    (__u8)2);
	SET("protocol 17 cannot be in state tcp-est", FLOWS_IPV4, IN(vfw_state_flow, protocol),
	    (__u8)17);
	SET("unknown flags", FLOWS_IPV4, IN(vfw_state_flow, flags), (__u8)4);
	SET("lifetime 1728000001", FLOWS_IPV4, IN(vfw_state_flow, expires),
	    htole32(1728000001));
	SET("to be judged again", FLOWS_IPV4, IN(vfw_state_flow, flags),
	    (__u8)VFW_STATE_FLOW_REJUDGE);
	SET("there is no rule 5", FLOWS_IPV4, IN(vfw_state_flow, rule), htole32(5));
	SET("window scale", FLOWS_IPV6, IN(vfw_state_flow, scales), (__u8)0xf0);
	SET("unknown TCP flags", FLOWS_IPV6, IN(vfw_state_flow, tcp_flags_remote),
	    (__u8)0x40);
	SET("reserved", FLOWS_IPV6, IN(vfw_state_flow, reserved[1]), (__u8)1);
}

/* The fourth one is of UDP. From its ports on: ports, protocol, state, flags. */
#define UDP_FLOW(message, ...)							\
	BYTES(message, FLOWS_IPV4, 3 * sizeof(struct vfw_state_flow4) +		\
	      IN(vfw_state_flow, local_port), __VA_ARGS__)

static void test_flow_keys(void)
{
	UDP_FLOW("local port in a flow of protocol 47", 0, 1, 0, 0, IPPROTO_GRE, 1, 0);
	UDP_FLOW("remote port in a flow of protocol 47", 0, 0, 0, 1, IPPROTO_GRE, 1, 0);
	UDP_FLOW("remote port in a flow of protocol 1", 0, 1, 0, 1, IPPROTO_ICMP, 1, 0);
	UDP_FLOW("protocol 47 cannot be in state stream", 0, 0, 0, 0, IPPROTO_GRE, 3, 0);
	UDP_FLOW("protocol 33 cannot be in state stream", 0, 1, 0, 1, IPPROTO_DCCP, 3, 0);
	UDP_FLOW("the protocol is 58, in a flow of ipv4", 0, 1, 0, 0, IPPROTO_ICMPV6, 1, 0);
	UDP_FLOW("unknown flags", 0, 1, 0, 1, IPPROTO_UDP, 1, VFW_STATE_FLOW_ECHO_BOTH);
	UDP_FLOW(NULL, 0, 0, 0, 0, IPPROTO_GRE, 2, 0);
	UDP_FLOW(NULL, 0, 1, 0, 0, IPPROTO_ICMP, 2, VFW_STATE_FLOW_ECHO_BOTH);
	UDP_FLOW(NULL, 0, 1, 0, 1, IPPROTO_UDPLITE, 3, 0);
}

/* State, flags, scales, TCP flags of both ends. The VM's window is 65535, the other one larger. */
#define TCP(message, ...)							\
	BYTES(message, FLOWS_IPV4, IN(vfw_state_flow, state), __VA_ARGS__)

static void test_tcp(void)
{
	const __u8 ws = VFW_TCP_WINDOW_SCALE, syn = VFW_TCP_SYN, fin = VFW_TCP_FIN,
		   acked = VFW_TCP_FIN | VFW_TCP_FIN_ACKED, unknown = VFW_TCP_UNKNOWN;

	SET("the largest window 0", FLOWS_IPV4, IN(vfw_state_flow, tcp_local.max_window),
	    htole32(0));
	SET("the largest window 1073725441", FLOWS_IPV4,
	    IN(vfw_state_flow, tcp_remote.max_window), htole32(1073725441));
	SET("-1048577 bytes behind", FLOWS_IPV4, IN(vfw_state_flow, tcp_remote.max_end),
	    htole32(-1048577));
	SET(NULL, FLOWS_IPV4, IN(vfw_state_flow, tcp_remote.max_end), htole32(-1048576));
	SET("1073725441 bytes behind", FLOWS_IPV4, IN(vfw_state_flow, tcp_local.max_end),
	    htole32(1073725440));
	TCP("a FIN that was acknowledged, but not", 7, 0, 0, VFW_TCP_FIN_ACKED, 0);
	TCP("scale that was not offered", 7, 0, 0x01, syn, syn);
	TCP("scale that one end alone", 7, 0, 0x01, ws, syn);
	TCP(NULL, 7, 0, 0x71, ws, ws);
	TCP("flags 0 and 0 in state tcp-syn-sent", 4, 0, 0, 0, 0);
	TCP("window of a SYN 8388480", 4, 0, 0, syn, syn);
	TCP(NULL, 4, 0, 0x01, syn | ws, 0);
	TCP("in state tcp-syn-sent2", 5, 0, 0, syn, 0);
	TCP("in state tcp-syn-recv", 6, 0, 0, syn | unknown, 0);
	TCP("in state tcp-syn-recv", 6, 0, 0, fin, 0);
	TCP(NULL, 6, 0, 0, syn | fin, 0);
	TCP("in state tcp-established", 7, 0, 0, fin, 0);
	TCP("in state tcp-fin-wait", 8, 0, 0, 0, 0);
	TCP(NULL, 8, 0, 0, fin, 0);
	TCP("in state tcp-close-wait", 9, 0, 0, fin, 0);
	TCP(NULL, 9, 0, 0, acked, 0);
	TCP("in state tcp-last-ack", 10, 0, 0, acked, 0);
	TCP(NULL, 10, 0, 0, acked, fin);
	TCP("in state tcp-time-wait", 11, 0, 0, acked, fin);
	TCP(NULL, 11, 0, 0, acked, acked);
	TCP(NULL, 12, 0, 0x01, ws, fin);
}

/* State, flags, scales, SCTP flags, reserved; all tags are there, and the far end opened. */
#define SCTP(message, ...)							\
	BYTES(message, FLOWS_IPV4, SCTP_FLOW + IN(vfw_state_flow, state), __VA_ARGS__)
/* No first tag of the VM's, which the two reserved bytes stand before. */
#define SCTP_NO_TAG(message, state, flags, echoed, ...)				\
	SCTP(message, state, flags, 0, echoed, 0, 0, 0, 0, 0, 0, 0, ##__VA_ARGS__)

static void test_sctp(void)
{
	const __u8 echoed = VFW_SCTP_ECHOED;

	SCTP("an SCTP flag in state sctp-cookie-wait", 13, 0, 0, echoed, 0);
	SCTP("no SCTP flag in state sctp-cookie-echoed", 14, 0, 0, 0, 0);
	SCTP("an SCTP flag in state sctp-closed", 19, 0, 0, 0, echoed);
	SCTP("an SCTP flag in state sctp-heartbeat-sent", 20, 0, 0, 0, echoed);
	SCTP_NO_TAG(NULL, 13, 0, 0);
	SCTP_NO_TAG("tags are missing in state sctp-cookie-wait", 13, 1, 0);
	SCTP_NO_TAG("tags are missing in state sctp-cookie-echoed", 14, 0, echoed);
	SCTP_NO_TAG("tags are missing in state sctp-heartbeat", 20, 0, 0);
	SCTP_NO_TAG("tags are missing in state sctp-shutdown-sent", 16, 0, 0);
	SCTP_NO_TAG(NULL, 19, 0, 0);
	/* Nor any other of the VM's, nor the far end's first. */
	SCTP_NO_TAG("tags are missing in state sctp-closed", 19, 0, 0,
		    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	/* The first tag, and no second one. */
	SCTP("tags are missing in state sctp-established", 15, 0, 0, echoed, 0, 0, 0,
	     1, 0, 0, 0, 0, 0, 0, 0);
	SCTP(NULL, 15, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
}

/* The first is of IPv4 and in two VLANs. */
static void test_tagged_records(void)
{
#define TAGGED(field) IN(vfw_state_flow_tagged, field)
	SET("in state 0", FLOWS_TAGGED, TAGGED(flow.state), (__u8)0);
	SET("type 0x800", FLOWS_TAGGED, TAGGED(outer.type), htobe16(ETH_P_IP));
	SET("type 0", FLOWS_TAGGED, TAGGED(inner.type), htobe16(0));
	SET("there is no VLAN 0", FLOWS_TAGGED, TAGGED(outer.id), htobe16(0));
	SET("there is no VLAN 4095", FLOWS_TAGGED, TAGGED(inner.id), htobe16(4095));
	SET("there is no VLAN 65535", FLOWS_TAGGED, TAGGED(outer.id), htobe16(65535));
	SET("there is no outer VLAN tag", FLOWS_TAGGED, TAGGED(outer), htobe32(0));
	SET("of family 0", FLOWS_TAGGED, TAGGED(family), (__u8)0);
	SET("of family 3", FLOWS_TAGGED, TAGGED(family), (__u8)3);
	SET("behind an address", FLOWS_TAGGED, TAGGED(local[4]), (__u8)1);
	SET("behind an address", FLOWS_TAGGED, TAGGED(remote[15]), (__u8)1);
	SET("reserved", FLOWS_TAGGED, TAGGED(reserved[6]), (__u8)1);
#undef TAGGED
}

static void test_trailing(void)
{
	__u8 *longer = malloc(stream.length + 1);

	if (!longer)
		abort();
	memcpy(longer, stream.bytes, stream.length);
	longer[stream.length] = 0;
	if (info(longer, stream.length + 1) != FAILED || !strstr(said, "bytes follow"))
		complain("trailing", "bytes follow");
	free(longer);
}

int main(void)
{
	static const struct stream_content content = {
		.rules = 4, .flows_ipv4 = 5, .flows_ipv6 = 2, .flows_tagged = 2,
		.odd_creator = true,
	};
	int null = open("/dev/null", O_WRONLY);

	real_stderr = dup(STDERR_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(memfd_create("stderr", 0), STDERR_FILENO);
	setvbuf(stderr, NULL, _IONBF, 0);

	test_good();
	stream_make(&stream, &content);
	test_frames();
	test_records();
	test_rules();
	test_flow_keys();
	test_tcp();
	test_sctp();
	test_flow_records();
	test_tagged_records();
	test_trailing();
	test_truncated();
	test_flipped();
	test_hostile();
	options.json = true;
	test_hostile();
	stream_free(&stream);
	dprintf(real_stderr, "state_test: %u cases, %u failed\n", cases, failures);
	return failures ? 1 : 0;
}
