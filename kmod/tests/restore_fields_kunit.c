// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring what somebody made up: field by field, a stream that is right but for one value is
 * refused by name, and nothing changes.
 */

#include <kunit/test.h>

#include "state.h"

/**
 * struct change - a field of a stream set to what it must not be
 * @what: name of the case
 * @frame: which frame
 * @at: offset in the frame
 * @size: bytes of the field
 * @value: what to put there
 * @err: what the restore says
 * @text: is in the reason
 * @later: which frame is refused, if not the one that was changed
 */
struct change {
	const char *what;
	u32 frame;
	u32 at;
	u32 size;
	u64 value;
	int err;
	const char *text;
	u32 later;
};

#define BODY sizeof(struct vfw_state_frame)
#define FRAME(field) offsetof(struct vfw_state_frame, field)
#define FIELD(record, field) (BODY + offsetof(struct vfw_state_##record, field))
/* In record number i of a list, from 0. */
#define PORT_FIELD(i, field)							\
	(BODY + (i) * sizeof(struct vfw_state_port) + offsetof(struct vfw_state_port, field))
#define DROP(i, field)								\
	(BODY + sizeof(struct vfw_state_stats) + (i) * sizeof(struct vfw_state_drop) +	\
	 offsetof(struct vfw_state_drop, field))
#define FLOW(i, field)								\
	(BODY + (i) * sizeof(struct vfw_state_flow4) + offsetof(struct vfw_state_flow, field))
#define TAGGED(i, field)							\
	(BODY + (i) * sizeof(struct vfw_state_flow_tagged) +			\
	 offsetof(struct vfw_state_flow_tagged, field))
#define FLOW6(i, field)								\
	(BODY + (i) * sizeof(struct vfw_state_flow6) + offsetof(struct vfw_state_flow, field))
/* What follows the first rule: three ranges, a comment of 8 bytes, 4 bytes of padding. */
#define RULE_RANGES (BODY + sizeof(struct vfw_state_rule))
#define RULE_COMMENT (RULE_RANGES + 12)
#define RULE_PADDING (RULE_COMMENT + 8)

static const struct change changes[] = {
	{ "magic", HEADER, FRAME(magic), 4, 0, -EBADMSG, "no frame of a snapshot" },
	{ "next version", HEADER, FRAME(version), 2, 3, -EPROTONOSUPPORT,
	  "stream is version 3, this host knows version 2" },
	{ "last version", HEADER, FRAME(version), 2, 1, -EPROTONOSUPPORT, "stream is version 1" },
	{ "no version", HEADER, FRAME(version), 2, 0, -EPROTONOSUPPORT, "stream is version 0" },
	{ "version changes", FLOWS4, FRAME(version), 2, 3, -EPROTONOSUPPORT, "version 3" },
	{ "length too small", HEADER, FRAME(length), 4, 88, -EBADMSG,
	  "96 bytes long and says 88" },
	{ "length too large", FLOWS4, FRAME(length), 4, U32_MAX, -EBADMSG, "says 4294967295" },
	{ "no type", HEADER, FRAME(type), 2, 0, -EPROTO, "type 0 cannot follow type 0" },
	{ "type out of turn", VM, FRAME(type), 2, VFW_FRAME_TYPE_PORT, -EPROTO, "cannot follow" },
	{ "type twice", PORT, FRAME(type), 2, VFW_FRAME_TYPE_VM, -EPROTO, "cannot follow" },
	{ "unknown type", END, FRAME(type), 2, 14, -EPROTO, "type 14 cannot follow type 9" },
	{ "a round", STATS, FRAME(type), 2, VFW_FRAME_TYPE_ROUND, -EPROTO,
	  "a frame of type 11 in a stream that is not live" },
	{ "places", FLOWS4, FRAME(type), 2, VFW_FRAME_TYPE_GONE, -EPROTO, "that is not live" },
	{ "rules' counters", STATS, FRAME(type), 2, VFW_FRAME_TYPE_RULE_COUNTERS, -EPROTO,
	  "that is not live" },
	{ "no record", HEADER, FRAME(count), 4, 0, -EBADMSG, "0 records, not one" },
	{ "two records", HEADER, FRAME(count), 4, 2, -EBADMSG, "2 records, not one" },
	{ "no flow", FLOWS4, FRAME(count), 4, 0, -EBADMSG, "a frame of nothing" },
	{ "one flow more", FLOWS4, FRAME(count), 4, 4, -EBADMSG, "4 records do not fill it" },
	{ "count wraps", FLOWS4, FRAME(count), 4, 0x80000003, -EBADMSG, "do not fill it" },
	{ "sequence", FLOWS4, FRAME(sequence), 4, 5, -EBADMSG, "out of sequence: it is frame 5" },

	{ "another VM", HEADER, FIELD(header, uuid[15]), 1, 0, -EXDEV, "snapshot of another VM" },
	{ "replay", HEADER, FIELD(header, incarnation), 8, DST_INCARNATION, -ESTALE,
	  "replayed: incarnation 3, the VM has 3" },
	{ "no incarnation", HEADER, FIELD(header, incarnation), 8, 0, -ESTALE, "replayed" },
	{ "last incarnation", HEADER, FIELD(header, incarnation), 8, U64_MAX, -ERANGE,
	  "incarnation out of range" },
	{ "header flags", HEADER, FIELD(header, flags), 4, 4, -EINVAL, "unknown flags" },
	{ "live and frozen", HEADER, FIELD(header, flags), 4, 3, -EINVAL,
	  "a live stream of a frozen VM" },
	{ "live without rounds", HEADER, FIELD(header, flags), 4, VFW_STATE_HEADER_LIVE, -EINVAL,
	  "record 1: counters of a rule that goes on counting", RULES },
	{ "IPv4 flows announced", HEADER, FIELD(header, flows_ipv4), 4, VFW_FLOWS_MAX + 1, -ERANGE,
	  "announces more flows" },
	{ "IPv6 flows announced", HEADER, FIELD(header, flows_ipv6), 4, U32_MAX, -ERANGE,
	  "announces more flows" },
	{ "tagged flows announced", HEADER, FIELD(header, flows_tagged), 4, VFW_FLOWS_MAX + 1,
	  -ERANGE, "announces more flows" },
	{ "creator not terminated", HEADER, FIELD(header, creator[23]), 1, 'x', -EINVAL,
	  "creator" },

	{ "empty name", VM, FIELD(vm, name), 1, 0, -EINVAL, "no VM can have this name" },
	{ "control character", VM, FIELD(vm, name[1]), 1, '\n', -EINVAL, "no VM can have" },
	{ "no UTF-8", VM, FIELD(vm, name[1]), 1, 0xff, -EINVAL, "no VM can have" },
	{ "name not padded", VM, FIELD(vm, name[63]), 1, 'x', -EINVAL, "no VM can have" },

	{ "slash in a port", PORT, FIELD(port, name[1]), 1, '/', -EINVAL, "record 1: no netdev" },
	{ "empty port", PORT, FIELD(port, name), 1, 0, -EINVAL, "no netdev can have" },
	{ "port not terminated", PORT, FIELD(port, name[15]), 1, 'x', -EINVAL,
	  "no netdev can have" },
	{ "port type", PORT, FIELD(port, type), 1, 2, -EINVAL, "no such type of port" },
	{ "port flags", PORT, PORT_FIELD(1, flags), 1, 3, -EINVAL, "record 2: unknown flags" },
	{ "port reserved", PORT, PORT_FIELD(1, reserved), 1, 1, -EINVAL, "record 2: reserved" },
	{ "port twice", PORT, PORT_FIELD(1, name), 8, 0x30706174 /* "tap0" */, -EEXIST,
	  "the port is listed already" },

	{ "policy flags", POLICY, FIELD(policy, flags), 1, 5, -EINVAL, "unknown flags" },
	{ "no policy", POLICY, FIELD(policy, flags), 1, 0, -EINVAL, "its bytes are not zero" },
	{ "default in", POLICY, FIELD(policy, default_in), 1, 3, -EINVAL, "no such default" },
	{ "default out", POLICY, FIELD(policy, default_out), 1, 255, -EINVAL, "no such default" },
	{ "policy reserved", POLICY, FIELD(policy, reserved), 1, 1, -EINVAL, "unknown flags" },
	{ "too many rules", POLICY, FIELD(policy, rules), 4, VFW_RULES_MAX + 1, -E2BIG,
	  "1000001 rules are more" },
	{ "rules missing", POLICY, FIELD(policy, rules), 4, 3, -EBADMSG,
	  "says 3 rules, there are 2", STATS },
	{ "rules left over", POLICY, FIELD(policy, rules), 4, 1, -EBADMSG,
	  "record 2: more rules", RULES },
	{ "no flows allowed", POLICY, FIELD(policy, max_flows), 4, 0, -ERANGE,
	  "limit of 0 flows" },
	{ "flows without limit", POLICY, FIELD(policy, max_flows), 4, VFW_FLOWS_MAX + 1, -ERANGE,
	  "out of range" },
	{ "no half-open flows", POLICY, FIELD(policy, max_half_open), 4, 0, -ERANGE, "half-open" },
	{ "half-open flows without limit", POLICY, FIELD(policy, max_half_open), 4, U32_MAX,
	  -ERANGE, "half-open flows out of range" },
	{ "policy reserved at the end", POLICY, FIELD(policy, reserved2), 4, 1, -EINVAL,
	  "unknown flags" },
	{ "no datagrams in fragments", POLICY, FIELD(policy, max_fragments), 4, 0, -ERANGE,
	  "limit of 0 datagrams in fragments" },
	{ "datagrams without limit", POLICY, FIELD(policy, max_fragments), 4,
	  VFW_FRAGMENTS_MAX + 1, -ERANGE, "datagrams in fragments out of range" },
	{ "fragments without limit", POLICY, FIELD(policy, fragment_bytes), 4,
	  VFW_FRAGMENT_BYTES_MAX + 1, -ERANGE, "bytes of fragments" },
	{ "flows of a source", POLICY, FIELD(policy, max_source_flows), 4, VFW_FLOWS_MAX + 1,
	  -ERANGE, "limit of 16777217 flows of a source out of range" },
	{ "timeout of 0", POLICY, FIELD(policy, timeouts[0]), 4, 0, -ERANGE, "timeout 1 of 0 s" },
	{ "timeout too long", POLICY, FIELD(policy, timeouts[VFW_STATE_TIMEOUTS - 1]), 4,
	  VFW_TIMEOUT_MAX + 1, -ERANGE, "timeout 16 of 1728001 s" },

	{ "rule of length 0", RULES, FIELD(rule, length), 2, 0, -EBADMSG,
	  "record 1: a rule cannot" },
	{ "rule too short", RULES, FIELD(rule, length), 2, 80, -EBADMSG, "cannot have 80 bytes" },
	{ "rule too long", RULES, FIELD(rule, length), 2, 96, -EBADMSG, "cannot have 96 bytes" },
	{ "rule beyond the frame", RULES, FIELD(rule, length), 2, 65528, -EBADMSG, "cannot have" },
	{ "one rule only", RULES, FRAME(count), 4, 1, -EBADMSG, "64 bytes after the last rule" },
	{ "three rules", RULES, FRAME(count), 4, 3, -EBADMSG, "record 3: the frame ends within" },
	{ "rule flags", RULES, FIELD(rule, flags), 1, 0xe2, -EINVAL, "unknown flags" },
	{ "action", RULES, FIELD(rule, action), 1, 3, -EINVAL, "no such action" },
	{ "direction", RULES, FIELD(rule, direction), 1, 3, -EINVAL, "no such direction" },
	{ "family", RULES, FIELD(rule, family), 1, 3, -EINVAL, "no such family" },
	{ "address without family", RULES, FIELD(rule, family), 1, 0, -EINVAL, "no family" },
	{ "ports without protocol", RULES, FIELD(rule, protocol), 1, IPPROTO_GRE, -EINVAL,
	  "ports" },
	{ "ICMP type of TCP", RULES, FIELD(rule, icmp_type), 1, 1, -EINVAL, "ICMP type" },
	{ "ICMP code of TCP", RULES, FIELD(rule, icmp_code), 1, 1, -EINVAL, "ICMP code" },
	{ "TCP flags unsaid", RULES, FIELD(rule, tcp_flags_mask), 1, 1, -EINVAL, "TCP flags" },
	{ "prefix too long", RULES, FIELD(rule, local_prefix), 1, 33, -EINVAL,
	  "prefix is longer" },
	{ "bits beyond the prefix", RULES, FIELD(rule, local_prefix), 1, 31, -EINVAL, "beyond" },
	{ "bytes beyond IPv4", RULES, FIELD(rule, local[4]), 1, 1, -EINVAL, "beyond its prefix" },
	{ "too many ranges", RULES, FIELD(rule, local_ranges), 1, 255, -EBADMSG, "cannot have" },
	{ "range backwards", RULES, RULE_RANGES + 4, 2, 91, -EINVAL, "above its last" },
	{ "comment too long", RULES, FIELD(rule, comment_length), 1, 13, -EBADMSG, "cannot have" },
	{ "zero in a comment", RULES, RULE_COMMENT, 1, 0, -EINVAL, "has a zero byte" },
	{ "control in a comment", RULES, RULE_COMMENT, 1, 27, -EINVAL, "control characters" },
	{ "rule not padded", RULES, RULE_PADDING, 1, 1, -EINVAL, "padding is not zero" },

	{ "one drop reason", STATS, FIELD(stats, drops), 4, 1, -EBADMSG, "1 drop reasons do not" },
	{ "drop reasons wrap", STATS, FIELD(stats, drops), 4, U32_MAX, -EBADMSG,
	  "do not fill it" },
	{ "no counters", STATS, FRAME(count), 4, 0, -EBADMSG, "2 drop reasons do not fill it" },
	{ "stats reserved", STATS, FIELD(stats, reserved), 4, 1, -EINVAL, "reserved" },
	{ "no reason", STATS, DROP(0, reason), 4, 0, -EINVAL, "record 2: drop reasons are not" },
	{ "reasons descend", STATS, DROP(1, reason), 4, 1, -EINVAL,
	  "record 3: drop reasons are not" },
	{ "reason twice", STATS, DROP(1, reason), 4, VFW_DROP_REASON_DEFAULT, -EINVAL,
	  "ascending" },
	{ "unknown reason", STATS, DROP(1, reason), 4, VFW_DROP_REASONS, -EINVAL, "is not known" },
	{ "drop reserved", STATS, DROP(1, reserved), 4, 1, -EINVAL, "reserved" },

	{ "expires late", FLOWS4, FLOW(0, expires), 4, VFW_TIMEOUT_MAX * 1000U + 1, -EINVAL,
	  "record 1: expires later" },
	{ "rule not there", FLOWS4, FLOW(1, rule), 4, 3, -EINVAL, "record 2: admitted by a rule" },
	{ "ICMPv6 in IPv4", FLOWS4, FLOW(2, protocol), 1, IPPROTO_ICMPV6, -EINVAL,
	  "other family" },
	{ "port of ICMP", FLOWS4, FLOW(2, remote_port), 2, 1, -EINVAL, "a port in a protocol" },
	{ "UDP state of TCP", FLOWS4, FLOW(0, state), 1, VFW_FLOW_STATE_REPLIED, -EINVAL,
	  "no such" },
	{ "state of windows", FLOWS4, FLOW(0, state), 1, VFW_FLOW_STATE_TCP_SYN_SENT, -EINVAL,
	  "do not go together" },
	{ "no state", FLOWS4, FLOW(1, state), 1, 0, -EINVAL, "no such state" },
	{ "TCP state of UDP", FLOWS4, FLOW(1, state), 1, VFW_FLOW_STATE_TCP_ESTABLISHED, -EINVAL,
	  "no such state" },
	{ "SCTP state of TCP", FLOWS4, FLOW(0, state), 1, VFW_FLOW_STATE_SCTP_ESTABLISHED, -EINVAL,
	  "no such state" },
	{ "SCTP state of UDP", FLOWS4, FLOW(1, state), 1, VFW_FLOW_STATE_SCTP_CLOSED, -EINVAL,
	  "no such state" },
	{ "unknown state", FLOWS4, FLOW(0, state), 1,
	  VFW_FLOW_STATE_SCTP_HEARTBEAT_SENT + 1, -EINVAL, "no such state" },
	{ "flow flags", FLOWS4, FLOW(1, flags), 1, 8, -EINVAL, "unknown flags" },
	{ "echo of TCP", FLOWS4, FLOW(0, flags), 1, VFW_STATE_FLOW_ECHO_BOTH, -EINVAL, "echo" },
	{ "rule to be judged again", FLOWS4, FLOW(0, flags), 1, VFW_STATE_FLOW_REJUDGE, -EINVAL,
	  "a rule in a flow" },
	{ "scale of 15", FLOWS4, FLOW(0, scales), 1, 0xf0, -EINVAL, "no such window scale" },
	{ "TCP flags", FLOWS4, FLOW(0, tcp_flags_local), 1, 0x40, -EINVAL,
	  "unknown flags of TCP" },
	{ "no window", FLOWS4, FLOW(0, tcp_local.max_window), 4, 0, -EINVAL,
	  "do not go together" },
	{ "flow reserved", FLOWS4, FLOW(0, reserved), 2, 0x100, -EINVAL, "reserved" },
	{ "scale of UDP", FLOWS4, FLOW(1, scales), 1, 1, -EINVAL, "not of TCP" },
	{ "flags of UDP", FLOWS4, FLOW(1, tcp_flags_remote), 1, 1, -EINVAL, "not of TCP" },
	{ "window of UDP", FLOWS4, FLOW(1, tcp_remote.max_window), 4, 1, -EINVAL, "not of TCP" },
	{ "ICMP in IPv6", FLOWS6, FLOW6(0, protocol), 1, IPPROTO_ICMP, -EINVAL, "other family" },
	{ "stream of GRE", FLOWS6, FLOW6(1, state), 1, VFW_FLOW_STATE_STREAM, -EINVAL, "no such" },
	{ "port of GRE", FLOWS6, FLOW6(1, local_port), 2, 1, -EINVAL, "a port in a protocol" },

	{ "expires late in a VLAN", FLOWS_TAGGED, TAGGED(1, flow.expires), 4,
	  VFW_TIMEOUT_MAX * 1000U + 1, -EINVAL, "record 2: expires later" },
	{ "no family", FLOWS_TAGGED, TAGGED(0, family), 1, 0, -EINVAL, "a flow of no family" },
	{ "unknown family", FLOWS_TAGGED, TAGGED(0, family), 1, 3, -EINVAL, "a flow of no family" },
	{ "no outer tag", FLOWS_TAGGED, TAGGED(0, outer), 4, 0, -EINVAL, "without an outer VLAN" },
	{ "inner tag alone", FLOWS_TAGGED, TAGGED(1, outer), 4, 0, -EINVAL, "without an outer" },
	{ "VLAN 0", FLOWS_TAGGED, TAGGED(0, outer.id), 2, 0, -EINVAL, "no such VLAN tag" },
	{ "VLAN 4095", FLOWS_TAGGED, TAGGED(0, outer.id), 2, 0xff0f, -EINVAL, "no such VLAN" },
	{ "VLAN 4096", FLOWS_TAGGED, TAGGED(1, inner.id), 2, 0x0010, -EINVAL, "no such VLAN" },
	{ "tag without a type", FLOWS_TAGGED, TAGGED(1, inner.type), 2, 0, -EINVAL, "no such" },
	{ "tag of another type", FLOWS_TAGGED, TAGGED(0, outer.type), 2, 0x0008, -EINVAL,
	  "record 1: no such VLAN tag" },
	{ "IPv4 too long", FLOWS_TAGGED, TAGGED(0, local[4]), 1, 1, -EINVAL, "behind an address" },
	{ "IPv4 too long at the end", FLOWS_TAGGED, TAGGED(0, remote[15]), 1, 1, -EINVAL,
	  "behind an address" },
	{ "tagged reserved", FLOWS_TAGGED, TAGGED(1, reserved[6]), 1, 1, -EINVAL, "reserved" },
	{ "ICMP in tagged IPv6", FLOWS_TAGGED, TAGGED(1, flow.protocol), 1, IPPROTO_ICMP, -EINVAL,
	  "other family" },

	{ "frames", END, FIELD(end, frames), 4, 8, -EBADMSG, "there were 10 frames, not 8" },
	{ "ports", END, FIELD(end, ports), 4, 3, -EBADMSG, "other numbers of records" },
	{ "rules", END, FIELD(end, rules), 4, 0, -EBADMSG, "other numbers of records" },
	{ "flows of IPv4", END, FIELD(end, flows_ipv4), 4, 2, -EBADMSG, "other numbers" },
	{ "flows of IPv6", END, FIELD(end, flows_ipv6), 4, 3, -EBADMSG, "other numbers" },
	{ "tagged flows", END, FIELD(end, flows_tagged), 4, 1, -EBADMSG, "other numbers" },
	{ "end reserved", END, FIELD(end, reserved), 4, 1, -EINVAL, "reserved" },
	{ "digest", END, FIELD(end, digest), 4, 1, -EBADMSG, "wrong digest" },
	{ "bytes", END, FIELD(end, bytes), 8, 0, -EBADMSG, "bytes, not 0" },
};

KUNIT_ARRAY_PARAM_DESC(change, changes, what);

static void change_test(struct kunit *test)
{
	const struct change *c = test->param_value;
	struct state_test *t = state_test_lock(test);
	struct vfw_flow_table *table = vm_table(&t->dst);
	__le64 value = cpu_to_le64(c->value);
	struct vfw_restored restored;
	char frame[16];
	u32 frames;

	make_stream(test, t);
	memcpy(t->stream.data + t->stream.start[c->frame] + c->at, &value, c->size);
	if (c->frame == END)
		vfw_snapshot_seal(stream_frame(&t->stream, END));
	else
		stream_reseal(&t->stream);
	KUNIT_EXPECT_EQ(test, stream_restore(test, t, FRAMES), c->err);
	KUNIT_ASSERT_NOT_NULL(test, t->extack._msg);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(t->extack._msg, c->text), "\"%s\"",
				  t->extack._msg);
	snprintf(frame, sizeof(frame), "frame %u", c->later ?: c->frame);
	KUNIT_EXPECT_NOT_NULL(test, strstr(t->extack._msg, frame));
	KUNIT_EXPECT_LT(test, strlen(t->extack._msg), NETLINK_MAX_FMTMSG_LEN - 1);
	expect_untouched(test, t, table);

	/* From then on there is no way but to abort. */
	KUNIT_EXPECT_EQ(test, vfw_restore_frame(&t->dst, stream_frame(&t->stream, HEADER),
						stream_length(&t->stream, HEADER), &frames,
						&t->extack), -ECANCELED);
	KUNIT_EXPECT_NOT_NULL(test, strstr(t->extack._msg, "abort it"));
	KUNIT_EXPECT_EQ(test, vfw_restore_commit(&t->dst, &restored, &t->extack), -ECANCELED);
	vfw_restore_abort(&t->dst);
	KUNIT_EXPECT_NULL(test, t->dst.restore);
	expect_untouched(test, t, table);
	state_test_unlock(t);
}

static struct kunit_case restore_fields_cases[] = {
	KUNIT_CASE_PARAM(change_test, change_gen_params),
	{}
};

static struct kunit_suite restore_fields_suite = {
	.name = "vfw_restore_fields",
	.init = state_test_init,
	.exit = state_test_exit,
	.test_cases = restore_fields_cases,
};

kunit_test_suite(restore_fields_suite);
